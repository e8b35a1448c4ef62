"""Where a constant goes that is added to a value."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..absorption import Chain
from ..factor import EXACT, SOFTMAX
from ..view import View
from .axes import Atom, Slot
from .expression import Kind, Node
from .layout import leaf_view, split_by
from .network import Network, atoms, is_stochastic
from .norms import Norm, Reader, norms, readers
from .parts import lineage, maximal
from .unmixed import scale_of

State = tuple[Node, tuple[Slot, ...]]


class Visible(Exception):
    """Something that takes nothing back sees the constant."""


Link = tuple[Reader, tuple[Slot, ...]]
"""A map that reads a constant, with its slots along the constant's axis; without any, a gain that multiplies it."""


@dataclass(frozen=True)
class Sink:
    """Where a constant ends.

    Args:
        links: the maps that pass it on, none where it is taken back as it is.
        bias: the leaf that takes it back.
    """

    links: tuple[Link, ...]
    bias: Node


@dataclass(frozen=True)
class Absorbed:
    """What takes a constant back.

    Args:
        readers: biases behind maps that read it.
        opposite: leaves that are added beside it.
        bare: maps that read it from a norm and have no bias.
        tied: LayerNorms that are read by the leaf itself, which show the constant as a number, with that reader.
        flag: ``"softmax"`` where the logits change, but not the probabilities.
    """

    readers: tuple[Sink, ...]
    opposite: tuple[Node, ...]
    bare: tuple[Link, ...]
    tied: tuple[tuple[Norm, Reader], ...]
    flag: str

    @property
    def sinks(self) -> tuple[Sink, ...]:
        """Everything that takes the constant back, or what becomes of it."""
        return (*self.readers, *(Sink((), leaf) for leaf in self.opposite))


def absorbed(network: Network, node: Node, slots: tuple[Slot, ...], norm: Norm | None = None) -> Absorbed | None:
    """Follow a constant to everything that takes it back; None if something else sees it.

    Args:
        network: the expression graph.
        node: the value it is added to.
        slots: the axis along which its entries differ; empty for one number that is added everywhere.
        norm: the LayerNorm of which it is the shift, which a map that reads it can take back without a bias.
    """
    partial: set[Node] = set()
    while True:
        walk = _Walk(network, node, slots, norm, partial)
        try:
            found = walk.follow()
        except Visible:
            return None
        if not walk.partial:
            return found
        partial |= walk.partial


class _Walk:
    """All values that hold a constant, with what takes it back.

    Args:
        network: the expression graph.
        node: the value it is added to.
        slots: the axis along which its entries differ.
        norm: the LayerNorm of which it is the shift, or None.
        passed: leaves that are added beside the constant, but do not take it back.
    """

    def __init__(
        self, network: Network, node: Node, slots: tuple[Slot, ...], norm: Norm | None, passed: Collection[Node]
    ) -> None:
        self._network, self._start, self._passed = network, (node, slots), passed
        self._own = set() if norm is None else {reader.product for reader, _ in readers(network, norm)}
        self._by_reader = _norms_read_by(network, node) if node.kind is Kind.LEAF else {}
        self._readers: list[Sink] = []
        self._bare: list[Link] = []
        self._tied: list[tuple[Norm, Reader]] = []
        self._opposite: Counter[Node] = Counter()
        self._flag = EXACT

    def follow(self) -> Absorbed:
        """Collect everything.

        Raises:
            Visible: something takes nothing back.
        """
        todo, seen = [self._start], set()
        while todo:
            state = todo.pop()
            if state in seen:
                continue
            seen.add(state)
            if state[0] in self._network.outputs:
                raise Visible
            for user, place in self._network.uses(state[0]):
                todo += self._used(state, user, place)
        return Absorbed(self._whole_readers(), tuple(self._opposite), self._whole_bare(), tuple(self._tied), self._flag)

    @property
    def partial(self) -> set[Node]:
        """Leaves that are added beside the constant and elsewhere too, where they would show it."""
        return {leaf for leaf, times in self._opposite.items() if times < len(self._network.uses(leaf))}

    def _whole_readers(self) -> tuple[Sink, ...]:
        """The sinks without those in parts of a bias that is there as a whole."""
        whole = maximal(sink.bias for sink in self._readers)
        return tuple(sink for sink in self._readers if sink.bias in whole)

    def _whole_bare(self) -> tuple[Link, ...]:
        """The maps without bias, without parts of one that is there as a whole."""
        whole = maximal(reader.leaf for reader, _ in self._bare)
        return tuple(link for link in self._bare if link[0].leaf in whole)

    def _used(self, state: State, user: Node, place: int) -> list[State]:
        """The value that holds the constant next, or nothing where this use ends it."""
        node, slots = state
        verdict = self._network.ignored((user, place), frozenset(node.free) - set(slots))
        if verdict == SOFTMAX and state == self._start and len(self._network.uses(node)) > 1:
            self._flag = verdict  # a tied embedding, read by the head
        elif verdict == EXACT:
            pass
        elif (user, slots) in self._by_reader:
            self._tied.append(self._by_reader[user, slots])
        elif user.kind is Kind.PRODUCT and any(user.operands[i].kind is Kind.LEAF for i in _others(user, place)):
            self._read(user, place, slots)
        else:
            outer = _carried(user, place, slots)
            beside = self._beside(user, place, outer) if user.kind is Kind.SUM else ()
            self._opposite.update(beside)
            if any(self._opposite[leaf] > len(self._network.uses(leaf)) for leaf in beside):
                raise Visible  # the constant arrives there twice
            return [] if beside else [(user, outer)]
        return []

    def _beside(self, node: Node, place: int, slots: tuple[Slot, ...]) -> tuple[Node, ...]:
        """Leaves in the other terms of a sum that can take a constant back: one for all times, or for this time."""
        for i in _others(node, place):
            term, inner = node.operands[i], node.map(i)
            if all(slot in inner for slot in slots):
                found = providers(self._network, term, tuple(inner[slot] for slot in slots), shared=True)
                if found and not set(found) & set(self._passed):
                    return found
        return ()

    def _read(self, user: Node, place: int, slots: tuple[Slot, ...]) -> None:
        """A map that reads the constant: into its bias, what takes its result back, or the map itself."""
        reader = Reader(user, 1 - place, user.operands[1 - place])
        partners = tuple(partner for partner in map(user.summed(place).get, slots) if partner is not None)
        gain = scale_of(user, place, slots)
        if gain is not None:
            partners = ()  # entry by entry
        elif not slots or len(partners) < len(slots) or "padded" in user.name:
            raise Visible
        link, bias = (reader, partners), reader.bias(self._network)
        if bias is not None and _is_read_with(self._network, bias, reader.leaf):
            self._readers.append(Sink((link,), bias))
            return
        further = absorbed(self._network, user, tuple(user.map(1 - place)))
        if further is not None and further.flag == EXACT:
            self._readers += [Sink((link, *sink.links), sink.bias) for sink in further.sinks]
        elif user in self._own and self._network.only_use(reader.leaf) and self._are_own(reader.leaf):
            self._bare.append(link)
        else:
            raise Visible

    def _are_own(self, leaf: Node) -> bool:
        """Whether all that shares entries with a map is a part of it, or the whole, and reads the same norm."""
        own = {product.operands[place] for product in self._own for place in range(len(product.operands))}
        return all(_is_part(leaf, other) and other in own for other in self._network.overlapping(leaf))


def _is_part(one: Node, other: Node) -> bool:
    return one in lineage(other) or other in lineage(one)


def _is_read_with(network: Network, bias: Node, leaf: Node) -> bool:
    """Whether parts of a bias, or the whole of which it is one, are added to what parts of its map return."""
    for other in network.overlapping(bias):
        use = network.only_use(other)
        terms = () if use is None or use[0].kind is not Kind.SUM else use[0].operands
        maps = {operand for term in terms if term.kind is Kind.PRODUCT for operand in term.operands}
        if not _is_part(bias, other) or maps.isdisjoint(network.overlapping(leaf)):
            return False
    return True


def _norms_read_by(network: Network, leaf: Node) -> dict[State, tuple[Norm, Reader]]:
    """The LayerNorms that a parameter reads, by the product and the parameter's slots along the norm."""
    return {
        (reader.product, columns): (norm, reader)
        for norm in norms(network)
        for reader, columns in (readers(network, norm) if norm.core.kind is Kind.LAYER_NORM else ())
        if reader.leaf is leaf
    }


def _others(node: Node, place: int) -> Iterator[int]:
    return (i for i in range(len(node.operands)) if i != place)


def _carried(user: Node, place: int, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """The axis in a result that holds the same constant."""
    back = user.back(place)
    if any(slot not in back for slot in slots):
        raise Visible
    if user.kind not in (Kind.SUM, Kind.POOL) and not is_stochastic(user, place):
        raise Visible
    return tuple(back[slot] for slot in slots)


def providers(network: Network, node: Node, slots: tuple[Slot, ...], *, shared: bool = False) -> tuple[Node, ...]:
    """Leaves that together add a constant to a value that is read once: one, or one for every part of a join.

    The leaves themselves may be read elsewhere too where they may be ``shared``.
    """
    if node.kind is Kind.LEAF:
        is_free = node not in network.outputs if shared else network.only_use(node) is not None
        return (node,) if is_free and network.is_alone(node) else ()
    if network.only_use(node) is None:
        return ()
    found: list[tuple[Node, ...]] = []
    for i, operand in enumerate(node.operands):
        inner = node.map(i)
        carries = node.kind in (Kind.SUM, Kind.JOIN) or is_stochastic(node, i)
        if carries and all(slot in inner for slot in slots):
            found.append(providers(network, operand, tuple(inner[slot] for slot in slots), shared=shared))
    if node.kind is Kind.JOIN:
        complete = all(found) and len(found) == len(node.operands)
        return tuple(leaf for leaves in found for leaf in leaves) if complete else ()
    return next((leaves for leaves in found if leaves), ())


def chain_view(sink: Sink, axis: Sequence[Atom]) -> Chain:
    """A sink of constants along an axis as views: weights ``(copies, out, k)``, then the bias ``(1, out, columns)``.

    Raises:
        Unviewable: a weight or a bias that no view describes.
    """
    views: list[View] = []
    for reader, columns in sink.links:
        rows = reader.rows
        taps = [slot for slot in reader.leaf.free if slot not in (*rows, *columns)]
        roles = {"copies": taps, "n": rows, "h": columns} if columns else {"copies": rows}
        views.append(leaf_view(reader.leaf, **roles).plus(reader.leaf.offset))
        axis = atoms(rows)
    channels, rest = split_by(sink.bias, axis)
    return (*views, leaf_view(sink.bias, n=channels, h=rest))
