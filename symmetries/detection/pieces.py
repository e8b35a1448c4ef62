"""Contractions along an axis that is joined of pieces, as sums of the contractions of the pieces."""

from collections.abc import Sequence
from functools import reduce
from itertools import accumulate, pairwise

from .axes import Axis, Slot, resolved
from .expression import Kind, Selector, is_linear_in_parameters
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
    sides = ((left, dims[0]), (right, dims[1]))
    joined = [_pieces(value, dim) for value, dim in sides]
    cuts = [[piece.shape[dim] for piece in pieces] for pieces, dim in zip(joined, dims, strict=True) if pieces]
    parts = [pieces or _parts(*side, cuts[0], selector) for pieces, side in zip(joined, sides, strict=True) if cuts]
    if not all(parts) or not cuts or cuts[0] != cuts[-1]:
        return einsum(Kind.PRODUCT, left, right, of_left, of_right, of_result)
    terms = [einsum(Kind.PRODUCT, a, b, of_left, of_right, of_result) for a, b in zip(*parts, strict=True)]
    return reduce(lambda a, b: elementwise(Kind.SUM, a, b), terms)


def _pieces(value: Value, dim: int) -> list[Value]:
    """What a dimension is joined of, also behind products with what is constant along it; nothing if it is not."""
    node, outer = value.node, _outermost(value, dim)
    if outer is None:
        return []
    if node.kind is Kind.JOIN and outer is node.over[0]:
        return [_piece(value, dim, i) for i in range(len(node.operands))]
    sources = [i for i in range(len(node.operands)) if outer in node.map(i)]
    if node.kind is not Kind.PRODUCT or node.sums() or len(node.operands) != 2 or len(sources) != 1:
        return []
    source, other = value.operand(sources[0]), value.operand(1 - sources[0])
    constant = other.viewed(() if i == dim else axis for i, axis in enumerate(other.axes))
    is_constant = not set(resolved(other.axes[dim])) & other.owned
    return [elementwise(Kind.PRODUCT, piece, constant) for piece in _pieces(source, dim)] if is_constant else []


def _piece(value: Value, dim: int, i: int) -> Value:
    """One operand of a join, with its own length along the joined dimension."""
    node = value.node
    inner = node.map(i)
    axes: list[Axis] = [tuple(inner.get(slot, slot) for slot in resolved(axis)) for axis in value.axes]
    axes[dim] = (*(resolved(node.pieces[i]) if node.pieces else ()), *axes[dim][1:])
    return Value(node.operands[i], tuple(axes))


def _parts(value: Value, dim: int, lengths: Sequence[int], selector: Selector) -> list[Value]:
    """Consecutive parts of a dimension, where they are computed from parts of parameters."""
    outer = _outermost(value, dim)
    if outer is None or not is_linear_in_parameters(value.node, outer):
        return []
    return [value.part(dim, start, stop, selector) for start, stop in pairwise(accumulate(lengths, initial=0))]


def _outermost(value: Value, dim: int) -> Slot | None:
    """The outermost slot of a dimension, where it is the node's own."""
    slots = resolved(value.axes[dim])
    return slots[0] if slots and slots[0] in value.owned else None
