"""A tensor of the recorded computation: a node, and how its slots make up the tensor's dimensions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import torch

from .axes import Axes, Axis, Misaligned, Slot, align, new_axes, reshape, resolved
from .expression import Kind, Node, Selector, constant, unary


@dataclass(frozen=True)
class Value:
    """A node with the dimensions of one tensor.

    A slot of ``axes`` that the node does not own is a broadcast one: the tensor was expanded along it. Of complex
    numbers, ``pair`` tells real and imaginary part apart.
    """

    node: Node
    axes: Axes
    pair: Axis = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return tuple(prod(slot.size for slot in axis) for axis in self.axes)

    @property
    def owned(self) -> frozenset[Slot]:
        """The slots that are the node's own."""
        return frozenset(self.node.free)

    def viewed(self, axes: Iterable[Axis]) -> "Value":
        """The same node with other dimensions."""
        return Value(self.node, tuple(axes), self.pair)

    def paired(self) -> "Value":
        """Complex numbers, of which the last dimension, which goes, holds the two parts."""
        return Value(self.node, self.axes[:-1], self.axes[-1])

    def unpaired(self) -> "Value":
        """The two parts of complex numbers as a last dimension."""
        return Value(self.node, (*self.axes, self.pair))

    def renamed(self, node: Node, new: Mapping[Slot, Slot]) -> "Value":
        """Another node in the place of this one, its slots by the old ones; slots without a new one are dropped."""
        owned = self.owned
        axes = (
            tuple(new.get(s, s) for s in resolved(axis) if s in new or s not in owned)
            for axis in (*self.axes, self.pair)
        )
        *dimensions, pair = axes
        return Value(node, tuple(dimensions), pair)

    def plus(self, number: float) -> "Value":
        """A parameter plus a number: a parameter with an offset."""
        leaf = replace(self.node, offset=self.node.offset + number)
        return self.renamed(leaf, {slot: slot for slot in leaf.free})

    def reshaped(self, shape: Sequence[int]) -> "Value":
        """Row-major reading with another shape."""
        return self.viewed(reshape(self.axes, shape))

    def slots(self, dims: Iterable[int]) -> tuple[Slot, ...]:
        """The node's own slots that make up some dimensions."""
        owned = self.owned
        return tuple(s for dim in dims for s in resolved(self.axes[dim]) if s in owned)

    def operand(self, i: int) -> "Value":
        """An operand of an elementwise node, with the dimensions of the result: broadcast where it lacks slots."""
        return self.renamed(self.node.operands[i], {**{s: s for s in self.node.free}, **self.node.map(i)})

    def mapped(self, kind: Kind, dims: Iterable[int] = (), name: str = "") -> "Value":
        """A node of one operand and the same slots, along some of the dimensions."""
        node, new = unary(kind, self.node, over=self.slots(dims), name=name)
        return self.renamed(node, new)

    def windowed(self, kind: Kind, shape: Sequence[int], dims: Iterable[int]) -> "Value":
        """Some dimensions replaced by fresh ones: windows over them, pooled or averaged."""
        dims = tuple(dims)
        over = self.slots(dims)
        new = {s: Slot(s.atom) for s in self.node.free if s not in over}
        axes = [
            new_axes([shape[i]])[0] if i in dims else tuple(new.get(s, s) for s in resolved(axis))
            for i, axis in enumerate(self.axes)
        ]
        fresh = [s for i in dims for s in axes[i]]
        contracted = () if kind is Kind.POOL else tuple((s, None) for s in over)
        maps = (tuple((b, a) for a, b in new.items()),)
        return Value(Node(kind, (*new.values(), *fresh), (self.node,), maps, contracted, over), tuple(axes))

    def reduced(self, kind: Kind, dims: Iterable[int], *, keep: bool) -> "Value":
        """A mean (:attr:`Kind.AVERAGE`), sum (:attr:`Kind.PRODUCT`) or maximum (:attr:`Kind.POOL`) over dimensions."""
        dims = tuple(dim % len(self.axes) for dim in dims)
        over = self.slots(dims)
        new = {s: Slot(s.atom) for s in self.node.free if s not in over}
        maps = (tuple((b, a) for a, b in new.items()),)
        contracted = () if kind is Kind.POOL else tuple((s, None) for s in over)
        node = Node(kind, tuple(new.values()), (self.node,), maps, contracted, over)
        axes = [() if i in dims else axis for i, axis in enumerate(self.renamed(node, new).axes)]
        return Value(node, tuple(axis for i, axis in enumerate(axes) if keep or i not in dims))

    def part(self, dim: int, start: int, stop: int, selector: Selector) -> "Value":
        """The entries ``start`` to ``stop`` of a dimension, which stays, of length 1 when one entry is left.

        Raises:
            Misaligned: the part does not consist of whole blocks of the dimension's atoms.
        """
        value, outer = self, resolved(self.axes[dim])
        while stop - start < prod(slot.size for slot in outer):
            slot, *inner = outer
            rest = prod(s.size for s in inner)
            low, high = start // rest, -(-stop // rest)
            if high - low > 1 and (start % rest or stop % rest):
                raise Misaligned(f"the part {start}:{stop} cuts through blocks of {rest}")
            left = outer if high - low > 1 else tuple(inner)
            if slot in value.owned:
                node, new = selector.part(value.node, slot, low, high)
                value, outer = value.renamed(node, new), tuple(new.get(s, s) for s in left)
            else:
                outer = (*new_axes([high - low])[0], *inner)
            if high - low > 1:
                break
            start, stop = start - low * rest, stop - low * rest
        return value.viewed(outer if i == dim else axis for i, axis in enumerate(value.axes))


def elementwise(kind: Kind, left: Value, right: Value) -> Value:
    """A sum, product or mask of two tensors, with broadcasting."""
    rank = max(len(left.axes), len(right.axes))
    dims = [((),) * (rank - len(value.axes)) + value.axes for value in (left, right)]
    return einsum(kind, left.viewed(dims[0]), right.viewed(dims[1]), range(rank), range(rank), range(rank))


def einsum(
    kind: Kind, left: Value, right: Value, of_left: Iterable[int], of_right: Iterable[int], of_result: Iterable[int]
) -> Value:
    """A node of two operands; dimensions with one label are paired, those not in the result are summed."""
    labels_left, labels_right, labels = list(of_left), list(of_right), list(of_result)
    for label in set(labels_left) & set(labels_right):
        a, b = left.axes[labels_left.index(label)], right.axes[labels_right.index(label)]
        if a and b:
            align(a, b)
    owned = left.owned, right.owned
    maps: tuple[list[tuple[Slot, Slot]], list[tuple[Slot, Slot]]] = ([], [])
    contracted: list[tuple[Slot | None, Slot | None]] = []
    axes: dict[int, list[Slot]] = {label: [] for label in labels}
    for label in dict.fromkeys([*labels, *labels_left, *labels_right]):
        a = left.axes[labels_left.index(label)] if label in labels_left else ()
        b = right.axes[labels_right.index(label)] if label in labels_right else ()
        pairs: Iterable[tuple[Slot | None, Slot | None]]
        pairs = align(a, b) if a and b else [(s, None) for s in resolved(a)] + [(None, t) for t in resolved(b)]
        for s, t in pairs:
            mine, yours = (s if s in owned[0] else None), (t if t in owned[1] else None)
            atom = (s or t).atom  # type: ignore[union-attr]
            if label not in axes:
                contracted += [(mine, yours)] if mine or yours else []
            else:
                new = Slot(atom)
                axes[label].append(new)
                maps[0].extend([(new, mine)] if mine else [])
                maps[1].extend([(new, yours)] if yours else [])
    slots = dict.fromkeys(new for side in maps for new, _ in side)
    node = Node(kind, tuple(slots), (left.node, right.node), (tuple(maps[0]), tuple(maps[1])), tuple(contracted))
    return Value(node, tuple(tuple(axes[label]) for label in labels))


def joined(values: Sequence[Value], dim: int) -> Value:
    """Tensors one after the other along a dimension; equal lengths are read as a stack of aligned blocks."""
    dim %= len(values[0].axes)
    lengths = [value.shape[dim] for value in values]
    for i in range(len(values[0].axes)):
        for value in values[1:]:
            if (i != dim or len(set(lengths)) == 1) and values[0].axes[i] and value.axes[i]:
                align(values[0].axes[i], value.axes[i])
    stacked = len(set(lengths)) == 1
    along = new_axes([len(values) if stacked else sum(lengths)])[0]
    axes = [
        tuple(Slot(s.atom) for s in resolved(axis)) if i != dim or stacked else ()
        for i, axis in enumerate(values[0].axes)
    ]
    maps = []
    for value in values:
        owned = value.owned
        maps.append(
            tuple(
                (new, old)
                for i, axis in enumerate(axes)
                for new, old in zip(axis, resolved(value.axes[i]), strict=False)
                if old in owned and (i != dim or stacked)
            )
        )
    slots = dict.fromkeys(new for side in maps for new, _ in side)
    nodes = tuple(value.node for value in values)
    node = Node(Kind.JOIN, (*along, *slots), nodes, tuple(maps), over=along, lengths=tuple(lengths))
    node.pieces = () if stacked else tuple(value.axes[dim] for value in values)
    return Value(node, tuple((*along, *axis) if i == dim else axis for i, axis in enumerate(axes)))


def scalar(number: float | None = None) -> Value:
    """A number, where it is known."""
    return Value(constant(data=None if number is None else torch.tensor(number, dtype=torch.float64)), ())


def data(shape: Sequence[int]) -> Value:
    """Data of some shape."""
    axes = new_axes(shape)
    return Value(constant(s for axis in axes for s in axis), axes)


def opaque(values: Sequence[Value], shape: Sequence[int], name: str) -> Value:
    """The result of an operation of which nothing is known."""
    axes = new_axes(shape)
    node = Node(Kind.OPAQUE, tuple(s for axis in axes for s in axis), tuple(v.node for v in values), name=name)
    node.maps = tuple(() for _ in values)
    return Value(node, axes)
