r"""The intermediate representation: a network as sums, products and a few nonlinear nodes over named index slots.

Views, transpositions and reshapes leave no node: they only say which slots make up a dimension. Every linear operation
is a :data:`PRODUCT` (an einsum of two operands), so that a linear map, a convolution, attention scores, a mask, a gain
and a gate differ only in which slots are shared, carried or contracted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import accumulate

from torch import Tensor

from ..statistics import FixedStatistics
from .axes import Atom, Axes, Slot, resolved, resolved_pairs, unify

Pairs = tuple[tuple[Slot, Slot], ...]


#: The name of norms that add something to what they divide by.
EPS = "eps"

#: The name of data that is zero.
ZERO = "zero"


class Kind(Enum):
    """What a node does; the rules know nothing else of an operation."""

    LEAF = "a trainable parameter, or a part of one"
    CONSTANT = "data: inputs, buffers, frozen parameters"
    SUM = "the sum of its operands"
    PRODUCT = "an einsum of two operands"
    SELECTION = "a product of constant one-hot rows with the second operand: an embedding, a slice, a gather"
    AVERAGE = "a mean over the contracted slots"
    RECTIFIER = "an elementwise positively homogeneous function"
    MASK = "some entries replaced by a constant"
    FUNCTION = "an elementwise nonlinear function"
    LAYER_NORM = "x minus its mean, over its standard deviation, along the slots `over`"
    RMS_NORM = "x over its root mean square along the slots `over`"
    SOFTMAX = "a softmax along the slots `over`"
    POOL = "a maximum over windows of the slots `over`"
    JOIN = "its operands one after the other along `over`"
    OPAQUE = "an operation that detection does not know"


@dataclass(eq=False)
class Node:
    """One node of the expression graph.

    Args:
        kind: what it does.
        slots: the slots of the result.
        operands: what it reads.
        maps: for every operand, pairs ``(slot of the result, slot of the operand)``; a slot of the result that is not
            mapped is broadcast over.
        contracted: for a product, pairs of summed slots ``(of the first operand, of the second)``; None for a sum
            over one operand's slot alone.
        over: the operand's slots that a norm, softmax or pool works on; for a join the result's; for a part the slot of
            a range.
        name: of the parameter, or of the operation.
        axes: for a whole parameter, its dimensions.
        whole: for a part of a parameter, the leaf it is a part of; ``maps[0]`` leads to its slots.
        chosen: for a part of a value, which entries: ``(slot of the value, start, stop)``.
        offset: for a leaf, a number that is added to the parameter.
        lengths: for a join, the lengths of its operands along `over`.
        pieces: for a join of different lengths, the slots of every operand along `over`.
        module: dotted path of the module that computes it.
        order: of a leaf, the place of its parameter in the model.
        data: the values of a constant, where they are known.
        statistics: for the gain of a batch norm, what counts as folded into it and its shift.
    """

    kind: Kind
    slots: tuple[Slot, ...]
    operands: tuple["Node", ...] = ()
    maps: tuple[Pairs, ...] = ()
    contracted: tuple[tuple[Slot | None, Slot | None], ...] = ()
    over: tuple[Slot, ...] = ()
    name: str = ""
    axes: Axes = ()
    whole: "Node | None" = None
    chosen: tuple[Slot, int, int] | None = None
    offset: float = 0.0
    lengths: tuple[int, ...] = ()
    pieces: Axes = ()
    module: str = ""
    order: int = field(default=0)
    data: Tensor | None = None
    statistics: FixedStatistics | None = None

    @property
    def is_zero(self) -> bool:
        """Whether it is data that is known to be zero everywhere."""
        return self.kind is Kind.CONSTANT and self.name == ZERO

    @property
    def free(self) -> tuple[Slot, ...]:
        """The slots of the result, resolved."""
        return resolved(self.slots)

    def map(self, operand: int) -> dict[Slot, Slot]:
        """From the result's slots to those of an operand."""
        in_range = self.range_pairs if operand == len(self.operands) - 1 else ()
        return dict((*resolved_pairs(self.maps[operand]), *in_range))

    @property
    def range_pairs(self) -> Pairs:
        """The slots of a part that is one of equal blocks, with those of the value inside the block."""
        if self.chosen is None or not self.over:
            return ()
        (slot, start, stop), inside = self.chosen, resolved(self.over)
        within = slot.resolved()[1:]
        fits = start % (stop - start) == 0 and [s.atom.root() for s in inside] == [s.atom.root() for s in within]
        return tuple(zip(inside, within, strict=True)) if fits else ()

    def back(self, operand: int) -> dict[Slot, Slot]:
        """From an operand's slots to the result's."""
        return {b: a for a, b in self.map(operand).items()}

    def sums(self) -> tuple[tuple[Slot | None, Slot | None], ...]:
        """The contracted slots of a product, resolved."""
        found: list[tuple[Slot | None, Slot | None]] = []
        for a, b in self.contracted:
            if a is not None and b is not None:
                found += resolved_pairs([(a, b)])
            elif a is not None:
                found += [(slot, None) for slot in a.resolved()]
            elif b is not None:
                found += [(None, slot) for slot in b.resolved()]
        within = {slot for _, slot in self.range_pairs}
        return tuple(pair for pair in found if pair[1] not in within)

    def summed(self, operand: int) -> dict[Slot, Slot | None]:
        """The contracted slots of one operand, with their partners in the other."""
        return {pair[operand]: pair[1 - operand] for pair in self.sums() if pair[operand] is not None}  # type: ignore[misc]

    def where(self, atoms: Iterable[Atom]) -> tuple[Slot, ...]:
        """The slots of the result that hold these elementary atoms, in their order."""
        by_atom = {slot.atom.root(): slot for slot in self.free}
        return tuple(by_atom[atom.root()] for atom in atoms if atom.root() in by_atom)


def constant(slots: Iterable[Slot] = (), module: str = "", data: Tensor | None = None) -> Node:
    """Data."""
    return Node(Kind.CONSTANT, tuple(slots), module=module, data=data)


def copied(slots: Iterable[Slot]) -> dict[Slot, Slot]:
    """New slots of the same atoms, by the old ones."""
    return {slot: Slot(slot.atom) for slot in slots}


def unary(kind: Kind, operand: Node, *, over: Iterable[Slot] = (), name: str = "") -> tuple[Node, dict[Slot, Slot]]:
    """A node with one operand whose slots it keeps, and the new slots by the old ones."""
    new = copied(operand.free)
    maps = (tuple((b, a) for a, b in new.items()),)
    return Node(kind, tuple(new.values()), (operand,), maps, over=tuple(over), name=name), new


#: What may work on every entry along an axis alone.
PIECEWISE = (Kind.SUM, Kind.PRODUCT, Kind.SELECTION, Kind.RECTIFIER, Kind.FUNCTION, Kind.POOL, Kind.AVERAGE)


def is_linear_in_parameters(node: Node, slot: Slot) -> bool:
    """Whether an axis comes from parameters or pieces alone, so that a part of it is computed from a part of them."""
    match node.kind:
        case Kind.LEAF:
            return True
        case Kind.JOIN if slot is node.over[0]:
            return True
        case Kind.JOIN:
            inner = [(operand, node.map(i).get(slot)) for i, operand in enumerate(node.operands)]
            return all(own is not None and is_linear_in_parameters(operand, own) for operand, own in inner)
        case kind if kind in PIECEWISE:
            sources = [(node.operands[i], node.map(i)[slot]) for i in range(len(node.operands)) if slot in node.map(i)]
            broadcast = node.kind is Kind.SUM and len(sources) < len(node.operands)
            return bool(sources) and not broadcast and all(is_linear_in_parameters(*source) for source in sources)
    return False


def _piece(join: Node, slot: Slot, start: int, stop: int) -> tuple[Node, Mapping[Slot, Slot]] | None:
    """The operand of a join that is just this part of it, and its slots by those of the join."""
    if not join.pieces:
        return (join.operands[start], join.map(start)) if stop - start == 1 else None
    starts = list(accumulate(join.lengths, initial=0))
    if start not in starts or starts[starts.index(start) + 1] != stop:
        return None
    i = starts.index(start)
    along = resolved(join.pieces[i])
    if len(along) != (stop - start > 1) or not set(along) <= set(join.operands[i].free):
        return None
    return join.operands[i], join.map(i) | dict(zip((slot,), along, strict=False))


class Selector:
    """Takes parts of nodes along a slot, pushing the choice down to the parameters where it can.

    So the query part of a fused projection becomes the projection by a part of the weight, and the rules need not
    know that it was fused.
    """

    def __init__(self) -> None:
        self._done: dict[tuple[Node, Slot, int, int], tuple[Node, Mapping[Slot, Slot]]] = {}
        self._ranges: dict[tuple[Atom, int, int], Atom] = {}

    def part(self, node: Node, slot: Slot, start: int, stop: int) -> tuple[Node, Mapping[Slot, Slot]]:
        """The entries ``start`` to ``stop`` along an elementary slot, and its remaining slots by the old ones.

        A single entry removes the slot; in a longer part its place is taken by a slot of a new atom.
        """
        key = (node, slot, start, stop)
        if key not in self._done:
            self._done[key] = self._part(*key)
        part, new = self._done[key]
        kept = [(old, own) for old, own in new.items() if old is not slot]
        ranged = {slot: new[slot]} if slot in new else {}
        return part, dict(resolved_pairs(kept)) | ranged  # the slots may have been refined since

    def _part(self, node: Node, slot: Slot, start: int, stop: int) -> tuple[Node, Mapping[Slot, Slot]]:
        if node.kind is Kind.JOIN and slot is node.over[0]:
            piece = _piece(node, slot, start, stop)
            if piece is not None:
                return piece
        new = copied(other for other in node.free if other is not slot)
        if stop - start > 1:
            atom = self._ranges.setdefault((slot.atom.root(), start, stop), Atom(stop - start))
            new[slot] = Slot(atom)
        slots = tuple(new[other] for other in node.free if other in new)
        kept = tuple((new[a], a) for a in new if a is not slot)
        over, chosen = (new[slot],) if slot in new else (), (slot, start, stop)
        across = node.kind is Kind.JOIN and slot is node.over[0]
        if across or not is_linear_in_parameters(node, slot):
            part = Node(Kind.SELECTION, slots, (constant(), node), ((), kept), ((None, slot),), over, chosen=chosen)
            part.module = node.module
            return part, new
        if node.kind is Kind.LEAF:
            part = Node(Kind.LEAF, slots, (), (kept,), over=over, name=node.name, whole=node, chosen=chosen)
            part.order = node.order
            return part, new
        return self._pushed(node, slot, start, stop, new), new

    def _pushed(self, node: Node, slot: Slot, start: int, stop: int, new: Mapping[Slot, Slot]) -> Node:
        """A part of what a node computes, computed from parts of its operands."""
        operands, maps_of, moved = [], [], []
        for i, operand in enumerate(node.operands):
            inner: Mapping[Slot, Slot] = {s: s for s in operand.free}
            if slot in node.map(i):
                operand, inner = self.part(operand, node.map(i)[slot], start, stop)
                if slot in new:  # a piece of a join keeps its own index set
                    unify(new[slot].atom, inner[node.map(i)[slot]].atom)
            operands.append(operand)
            moved.append(inner)
            # a piece of a join may be broadcast along a slot of the join
            maps_of.append(tuple((new[a], inner[b]) for a, b in node.map(i).items() if a in new and b in inner))
        contracted = tuple(
            (None if a is None else moved[0].get(a), None if b is None else moved[1].get(b)) for a, b in node.sums()
        )
        along = tuple(moved[0].get(s, s) for s in resolved(node.over))
        slots = tuple(new[other] for other in node.free if other in new)
        part = Node(node.kind, slots, tuple(operands), tuple(maps_of), contracted, along, node.name)
        part.module = node.module
        if node.kind is Kind.JOIN:
            part.over, part.lengths = tuple(new[s] for s in resolved(node.over)), node.lengths
            part.pieces = tuple(
                tuple(inner.get(s, s) for s in resolved(axis)) for inner, axis in zip(moved, node.pieces, strict=False)
            )
        return part
