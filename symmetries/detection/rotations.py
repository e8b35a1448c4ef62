"""Streams that may be rotated as a whole."""

from collections.abc import Iterator
from typing import TypeVar

from ..rotation import Rotation
from ..view import View
from .axes import Slot
from .expression import Kind, Node
from .layout import Unviewable, leaf_view, split_by, title
from .network import Network, atoms, is_stochastic, reader_over
from .norms import Norm, Reader, carriers, norms
from .parts import lineage
from .proposal import Proposal
from .unmixed import scale_of

State = tuple[Node, tuple[Slot, ...]]
T = TypeVar("T")


class _Seen(Exception):
    """Something that is not a norm or a linear map reads or writes the stream."""


def propose_rotations(network: Network) -> Iterator[Proposal]:
    """One rotation for every stream that linear maps write and that norms with linear readers, or linear maps, read."""
    table = {norm.core: norm for norm in norms(network)}
    done: set[Node] = set()
    for core in table:
        if core in done:
            continue
        stream = _Stream(network, table)
        try:
            stream.follow((core.operands[0], reader_over(core)))
            yield Proposal(((stream.rotation(),),))
        except _Seen:
            pass
        except Unviewable as reason:
            yield Proposal((), str(reason), (core.module,))
        done |= set(stream.norms)


class _Stream:
    """All values that hold one residual stream, with what writes and what reads it."""

    def __init__(self, network: Network, table: dict[Node, Norm]) -> None:
        self._network, self._table = network, table
        self._states: set[State] = set()
        self._writers: dict[Node, tuple[Slot, ...]] = {}
        self._readers: dict[Node, tuple[tuple[Slot, ...], Node | None]] = {}
        self.norms: dict[Node, Norm] = {}

    def follow(self, state: State) -> None:
        """Collect the whole stream.

        Raises:
            _Seen: it is not free to rotate.
        """
        todo = [state]
        while todo:
            state = todo.pop()
            if state in self._states:
                continue
            self._states.add(state)
            if state[0] in self._network.outputs:
                raise _Seen
            todo += self._sources(*state)
            for user, place in self._network.uses(state[0]):
                todo += self._user(user, place, state[1])

    def _sources(self, node: Node, slots: tuple[Slot, ...]) -> list[State]:
        """The operands that hold the stream; a parameter is a writer."""
        if node.kind is Kind.LEAF:
            if node in self._readers:
                raise _Seen
            self._writers[node] = slots
            return []
        for place, operand in enumerate(node.operands):
            inner = node.map(place)
            held = tuple(inner[slot] for slot in slots if slot in inner)
            scale = scale_of(node, place, held) if len(held) == len(slots) else None
            if scale is not None:
                self._scaled(operand, held, scale)
                return []
        return self._holding(node, slots)

    def _scaled(self, node: Node, slots: tuple[Slot, ...], scale: Node) -> None:
        """What writes to the stream through a layer scale, and to nothing else."""
        if self._network.only_use(node) is None or scale.offset:
            raise _Seen
        if node.kind is not Kind.LEAF:
            for state in self._holding(node, slots):
                self._scaled(*state, scale)
        elif node in self._readers or node in self._writers:
            raise _Seen
        else:
            self._readers[node] = (slots, scale)

    @staticmethod
    def _holding(node: Node, slots: tuple[Slot, ...]) -> list[State]:
        """The operands of a linear operation that hold the stream."""
        maps = [node.map(i) for i in range(len(node.operands))]
        holding = [i for i, inner in enumerate(maps) if any(slot in inner for slot in slots)]
        linear = node.kind in (Kind.PRODUCT, Kind.SELECTION, Kind.AVERAGE) and len(holding) == 1
        if not (linear or (node.kind in (Kind.SUM, Kind.JOIN) and len(holding) == len(maps))):
            raise _Seen
        if any(slot not in maps[i] for i in holding for slot in slots):
            raise _Seen
        return [(node.operands[i], tuple(maps[i][slot] for slot in slots)) for i in holding]

    def _user(self, user: Node, place: int, slots: tuple[Slot, ...]) -> list[State]:
        """A value with the stream in it, or nothing if the user is a norm or a linear map that reads it."""
        if user.kind in (Kind.LAYER_NORM, Kind.RMS_NORM) and set(reader_over(user)) == set(slots):
            return self._normalized(self._table[user])
        back, partners = user.back(place), user.summed(place)
        if all(slot in back for slot in slots):
            shared = [back[slot] for slot in slots]
            others = [user.map(i) for i in range(len(user.operands)) if i != place]
            carried = user.kind in (Kind.PRODUCT, Kind.SELECTION, Kind.AVERAGE)
            if user.kind in (Kind.SUM, Kind.JOIN) or (carried and not any(s in o for s in shared for o in others)):
                return [(user, tuple(shared))]
        elif user.kind is Kind.PRODUCT and all(partners.get(slot) is not None for slot in slots):
            self._reads(Reader(user, 1 - place, user.operands[1 - place]), place, slots, None)
            return []
        raise _Seen

    def _normalized(self, norm: Norm) -> list[State]:
        """What is normalized and contracted with this, as the two towers of a contrastive model are."""
        self.norms[norm.core] = norm
        facing: list[State] = []
        if not norm.is_trainable_or_absent:
            raise _Seen
        for node, slots in carriers(self._network, norm.output, norm.atoms):
            if node in self._network.outputs:
                raise _Seen
            for user, place in self._network.uses(node):
                if is_stochastic(user, place) and all(slot in user.back(place) for slot in slots):
                    continue
                partners = user.summed(place)
                if user.kind is not Kind.PRODUCT or any(partners.get(slot) is None for slot in slots):
                    raise _Seen
                other = self._table.get(user.operands[1 - place])
                if other is not None and other.output is other.core and norm.output is norm.core:
                    facing.append((other.core.operands[0], reader_over(other.core)))
                else:
                    self._reads(Reader(user, 1 - place, user.operands[1 - place]), place, slots, norm.gain)
        return facing

    def _reads(self, reader: Reader, place: int, slots: tuple[Slot, ...], gain: Node | None) -> None:
        leaf = reader.leaf
        single = leaf.kind is Kind.LEAF and len(self._network.uses(leaf)) == 1
        if not single or leaf in self._writers or "padded" in reader.product.name:
            raise _Seen
        self._readers[leaf] = (reader.columns(slots), gain)

    def rotation(self) -> Rotation:
        """The stream as a factor.

        Raises:
            Unviewable: a writer or reader that no view describes.
        """
        if any(gain is not None and gain.offset for _, gain in self._readers.values()):
            raise Unviewable("a rotation through a norm whose gain is stored with an offset")
        writers = tuple(self._view(leaf, slots) for leaf, slots in self._whole(self._writers).items())
        axis = atoms(next(iter(self._writers.values())))

        def vector(leaf: Node | None) -> View | None:
            return None if leaf is None else leaf_view(leaf, n=split_by(leaf, axis)[0])

        readers = tuple(
            (self._view(leaf, slots), vector(gain)) for leaf, (slots, gain) in self._whole(self._readers).items()
        )
        shifts = tuple(
            (leaf_view(norm.shift, n=split_by(norm.shift, axis)[0]), vector(norm.gain))
            for norm in self.norms.values()
            if norm.shift is not None
        )
        fixes_ones = any(core.kind is Kind.LAYER_NORM for core in self.norms)
        name = f"rotation of the stream of {title(min(self._writers, key=lambda leaf: leaf.order))}"
        return Rotation(name, writers, readers, shifts, fixes_ones=fixes_ones)

    def _whole(self, table: dict[Node, T]) -> dict[Node, T]:
        """Without the parts of what is there as a whole; every leaf that holds their entries must be there."""
        for leaf in table:
            if any(other not in table for other in self._network.overlapping(leaf)):
                raise _Seen
        return {leaf: value for leaf, value in table.items() if not any(up in table for up in lineage(leaf)[1:])}

    @staticmethod
    def _view(leaf: Node, slots: tuple[Slot, ...]) -> View:
        return leaf_view(leaf, n=slots, h=[slot for slot in leaf.free if slot not in slots])
