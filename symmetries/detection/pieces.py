"""Contractions along an axis that is joined of pieces, as sums of the contractions of the pieces."""

from collections.abc import Sequence
from functools import reduce
from itertools import accumulate, pairwise

from .axes import Slot, resolved
from .expression import Kind, Node, Selector, is_linear_in_parameters
from .value import Value, einsum, elementwise


def contracted(
    selector: Selector, left: Value, right: Value, of_left: Sequence[int], of_right: Sequence[int], along: int,
    of_result: Sequence[int],
) -> Value:  # fmt: skip
    """A product of two tensors, summed along one label.

    Where an operand is joined of pieces along that label, every piece meets its part of the other operand alone: the
    rotated and the plain channels of a head, the heads of an attention and the columns of its output map.
    """
    dims = of_left.index(along), of_right.index(along)
    cuts = _cuts(left, dims[0]) or _cuts(right, dims[1])
    if not cuts or not all(_is_divisible(value, dim) for value, dim in zip((left, right), dims, strict=True)):
        return einsum(Kind.PRODUCT, left, right, of_left, of_right, of_result)
    terms = []
    for start, stop in pairwise(cuts):
        one, other = (value.part(dim, start, stop, selector) for value, dim in zip((left, right), dims, strict=True))
        terms.append(einsum(Kind.PRODUCT, one, other, of_left, of_right, of_result))
    return reduce(lambda a, b: elementwise(Kind.SUM, a, b), terms)


def _cuts(value: Value, dim: int) -> list[int]:
    """Where the pieces of a dimension start and end; nothing where it is not joined."""
    outer = _outermost(value, dim)
    join = None if outer is None else _join(value.node, outer)
    if join is None:
        return []
    unit = value.shape[dim] // sum(join.lengths)
    return [cut * unit for cut in accumulate(join.lengths, initial=0)]


def _join(node: Node, slot: Slot) -> Node | None:
    """The join behind an axis, through products with what is constant along it."""
    while node.kind is Kind.PRODUCT:
        sources = [(node.operands[i], node.map(i)[slot]) for i in range(len(node.operands)) if slot in node.map(i)]
        if len(sources) != 1:
            return None
        node, slot = sources[0]
    return node if node.kind is Kind.JOIN and slot is node.over[0] else None


def _is_divisible(value: Value, dim: int) -> bool:
    """Whether the parts of a dimension are computed from parts of parameters, or are pieces."""
    outer = _outermost(value, dim)
    return outer is not None and is_linear_in_parameters(value.node, outer)


def _outermost(value: Value, dim: int) -> Slot | None:
    """The outermost slot of a dimension, where it is the node's own."""
    slots = resolved(value.axes[dim])
    return slots[0] if slots and slots[0] in value.owned else None
