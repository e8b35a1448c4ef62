"""Multiples that a model writes as a value and a correction."""

from .axes import resolved
from .expression import Kind, Node
from .value import Value, elementwise


def multiple(value: Value, term: Value) -> Value | None:
    """``x + (g - 1) x`` as ``g x``, and ``x + ((g - 1) x + y)`` as ``g x + y``; None for another sum.

    So DoRA writes the product of a magnitude with an adapted map ([Liu2024]), as a correction of the map alone.
    """
    node = term.node
    if node.kind is Kind.SUM:
        for i, operand in enumerate(node.operands):
            found = multiple(value, term.operand(i)) if _holds(operand, value.node) else None
            if found is not None and len(node.operands) == 2:
                return elementwise(Kind.SUM, found, term.operand(1 - i))
    elif _holds(node, value.node):
        for i in range(2):
            gain = _plus_one(term.operand(i))
            if gain is not None and _is_same(term.operand(1 - i), value):
                return elementwise(Kind.PRODUCT, gain, value)
    return None


def _holds(node: Node, factor: Node) -> bool:
    """Whether a value is an elementwise product of another."""
    return node.kind is Kind.PRODUCT and len(node.operands) == 2 and not node.sums() and factor in node.operands


def _plus_one(value: Value) -> Value | None:
    """The g of ``g - 1``; of a parameter w, ``w + 1``."""
    if value.node.kind is Kind.LEAF:
        return value.plus(1.0)
    if value.node.kind is not Kind.SUM or len(value.node.operands) != 2:
        return None
    numbers = [i for i, operand in enumerate(value.node.operands) if _is_minus_one(operand)]
    return value.operand(1 - numbers[0]) if len(numbers) == 1 else None


def _is_minus_one(node: Node) -> bool:
    return node.kind is Kind.CONSTANT and not node.free and node.data is not None and float(node.data) == -1.0


def _is_same(one: Value, other: Value) -> bool:
    """Whether two tensors are the same one."""
    return one.node is other.node and list(map(resolved, one.axes)) == list(map(resolved, other.axes))
