"""Contractions along an axis that is joined of pieces, as sums of the contractions of the pieces."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import accumulate, pairwise

from .axes import Axis, Slot, resolved
from .expression import PIECEWISE, Kind, Node, Selector, is_linear_in_parameters
from .value import Value, elementwise

Product = Callable[[Value, Value], Value]
"""What contracts two tensors."""


def contracted(selector: Selector, left: Value, right: Value, dims: tuple[int, int], product: Product) -> Value:
    """A product of two tensors that sums along one dimension of each.

    Where an operand is joined of pieces along it, every piece meets its part of the other operand alone: the rotated
    and the plain channels of a head, the heads of an attention and the columns of its output map, the channels of a
    convolution that several layers wrote.
    """
    sides = ((left, dims[0]), (right, dims[1]))
    joined = [_pieces(value, dim, selector) for value, dim in sides]
    cuts = [[piece.shape[dim] for piece in pieces] for pieces, dim in zip(joined, dims, strict=True) if pieces]
    parts = [pieces or _parts(*side, cuts[0], selector) for pieces, side in zip(joined, sides, strict=True) if cuts]
    if not all(parts) or not cuts or cuts[0] != cuts[-1]:
        return product(left, right)
    terms = [contracted(selector, a, b, dims, product) for a, b in zip(*parts, strict=True)]
    return reduce(lambda a, b: elementwise(Kind.SUM, a, b), terms)


def _pieces(value: Value, dim: int, selector: Selector) -> list[Value]:
    """What a dimension is joined of, also behind what works on every entry along it alone; nothing if it is not."""
    node, outer = value.node, _outermost(value, dim)
    if outer is None:
        return []
    if node.kind is Kind.JOIN and outer is node.over[0]:
        return [_piece(value, dim, i) for i in range(len(node.operands))]
    pieces = _multiplied(value, dim, outer, selector)
    lengths, inside = _lengths(node, outer, {}), value.shape[dim] // outer.size
    if pieces or not lengths or sum(lengths) != outer.size:
        return pieces
    return _parts(value, dim, [length * inside for length in lengths], selector)


def _multiplied(value: Value, dim: int, outer: Slot, selector: Selector) -> list[Value]:
    """The pieces of a product with what is constant along the dimension; nothing if it is no such product."""
    node = value.node
    sources = [i for i in range(len(node.operands)) if outer in node.map(i)]
    if node.kind is not Kind.PRODUCT or node.sums() or len(node.operands) != 2 or len(sources) != 1:
        return []
    source, other = value.operand(sources[0]), value.operand(1 - sources[0])
    constant = other.viewed(() if i == dim else axis for i, axis in enumerate(other.axes))
    is_constant = not set(resolved(other.axes[dim])) & other.owned
    pieces = _pieces(source, dim, selector) if is_constant else []
    return [elementwise(Kind.PRODUCT, piece, constant) for piece in pieces]


def _lengths(node: Node, slot: Slot, known: dict[Node, tuple[int, ...]]) -> tuple[int, ...]:
    """The lengths of the pieces that an axis is joined of, through what works on every entry along it alone.

    All that is computed along the axis must be joined alike: what a rotary embedding adds to a head is its two halves
    exchanged, the head itself is no join of them. ``known`` keeps what was found: values are read more than once.
    """
    if node.kind is Kind.JOIN and slot is node.over[0]:
        return node.lengths if node.pieces else (1,) * len(node.operands)
    if node.kind not in PIECEWISE:
        return ()
    if node not in known:
        sources = [(node.operands[i], node.map(i)[slot]) for i in range(len(node.operands)) if slot in node.map(i)]
        computed = (source for source in sources if source[0].kind not in (Kind.LEAF, Kind.CONSTANT))
        found = {_lengths(*source, known) for source in computed}
        known[node] = found.pop() if len(found) == 1 else ()
    return known[node]


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
