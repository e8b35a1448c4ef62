"""Residual streams, and others that linear maps write and norms read."""

from ..factor import EXACT
from .axes import Slot
from .expression import Kind, Node
from .network import Network, reader_over, without_numbers
from .norms import Norm, Reader, carriers
from .unmixed import scale_of

State = tuple[Node, tuple[Slot, ...]]


class Seen(Exception):
    """Something that is not a norm or a linear map reads or writes the stream."""


class Stream:
    """All values that hold one residual stream, or streams that turn together, with what writes and what reads them.

    Attributes:
        writers: parameters that are added to the stream, with their axis along it.
        readers: parameters that are contracted with it, or added to it through a layer scale: their axis along it, and
            the gain of the norm, or the scale, in between.
        shifts: of the norms that readers read through, with the gains.
        norms: what normalizes the stream.
        gains: a gain between two streams, with one that multiplies it.
        values: all that holds the stream, before and behind norms.
        is_compared: whether two normalized vectors of it are contracted.
        is_read_as_it_is: whether something reads the stream without a norm.
    """

    def __init__(self, network: Network, table: dict[Node, Norm]) -> None:
        self._network, self._table = network, table
        self._by_output = {norm.output: norm for norm in table.values()}
        self._states: set[State] = set()
        self.writers: dict[Node, tuple[Slot, ...]] = {}
        self.readers: dict[Node, tuple[tuple[Slot, ...], Node | None]] = {}
        self.shifts: dict[Node, Node | None] = {}
        self.values: set[Node] = set()
        self.is_compared = False
        self.is_read_as_it_is = False
        self.norms: dict[Node, Norm] = {}
        self.gains: dict[Node, Node | None] = {}

    def follow(self, state: State) -> None:
        """Collect the whole stream.

        Raises:
            Seen: it is not free to rotate.
        """
        todo = [state]
        while todo:
            state = todo.pop()
            if state in self._states:
                continue
            self._states.add(state)
            self.values.add(state[0])
            if state[0] in self._network.outputs:
                raise Seen
            todo += self._sources(*state)
            for user, place in self._network.uses(state[0]):
                todo += self._user(user, place, state[1])

    def _sources(self, node: Node, slots: tuple[Slot, ...]) -> list[State]:
        """The operands that hold the stream; a parameter is a writer."""
        if node.kind is Kind.LEAF:
            self._writes(node, slots)
        if node.kind is Kind.LEAF or node.is_zero:
            return []
        if node in self._by_output:
            norm = self._by_output[node]
            if set(node.where(norm.atoms)) != set(slots):
                raise Seen
            if norm.shift is not None:
                self._writes(norm.shift, norm.shift.where(norm.atoms))
            return [(norm.core.operands[0], reader_over(norm.core))]
        for place, operand in enumerate(node.operands):
            inner = node.map(place)
            held = tuple(inner[slot] for slot in slots if slot in inner)
            scale = scale_of(node, place, held) if len(held) == len(slots) else None
            if scale is not None:
                self._scaled(operand, held, scale)
                return []
        return self._holding(node, slots)

    def _writes(self, leaf: Node, slots: tuple[Slot, ...]) -> None:
        if leaf in self.readers:
            raise Seen
        self.writers[leaf] = slots

    def _scaled(self, node: Node, slots: tuple[Slot, ...], scale: Node) -> None:
        """What writes to the stream through a layer scale, and to nothing else."""
        if self._network.only_use(node) is None:
            raise Seen
        if node.kind is not Kind.LEAF:
            for state in self._holding(node, slots):
                self._scaled(*state, scale)
        elif node in self.readers or node in self.writers:
            raise Seen
        else:
            self.readers[node] = (slots, scale)

    @staticmethod
    def _holding(node: Node, slots: tuple[Slot, ...]) -> list[State]:
        """The operands of a linear operation that hold the stream."""
        maps = [node.map(i) for i in range(len(node.operands))]
        holding = [i for i, inner in enumerate(maps) if any(slot in inner for slot in slots)]
        linear = node.kind in (Kind.PRODUCT, Kind.SELECTION, Kind.AVERAGE) and len(holding) == 1
        if not (linear or (node.kind in (Kind.SUM, Kind.JOIN) and len(holding) == len(maps))):
            raise Seen
        if any(slot not in maps[i] for i in holding for slot in slots):
            raise Seen
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
            self.is_read_as_it_is = True
            self._reads(Reader(user, 1 - place, user.operands[1 - place]), slots, None)
            return []
        raise Seen

    def _normalized(self, norm: Norm) -> list[State]:
        """The stream that a norm writes, those it is contracted with, or nothing where linear maps read it."""
        self.norms[norm.core] = norm
        if not norm.is_trainable_or_absent:
            raise Seen
        held = dict(carriers(self._network, norm.output, norm.atoms, scaled=True))
        if any(node in self._network.outputs for node in held):
            raise Seen
        self.values |= set(held)
        uses = [(*use, held[node]) for node in held for use in self._network.uses(node) if use[0] not in held]
        if not all(_is_contraction(*use) for use in uses):
            self._between(norm.gain, None)
            return [(norm.output, norm.output.where(norm.atoms))]
        facing = [user for user, place, _ in uses if without_numbers(user.operands[1 - place]) in self._by_output]
        if norm.output is not norm.core and facing and len(facing) < len(uses):
            raise Seen
        for user, place, slots in uses:
            if user not in facing:
                self._reads(Reader(user, 1 - place, user.operands[1 - place]), slots, norm.gain)
        if norm.shift is not None and not facing:
            self.shifts[norm.shift] = norm.gain
        return [state for user in facing for state in self._facing(user)]

    def _facing(self, product: Node) -> list[State]:
        """Two streams that are normalized and contracted: queries and keys, the two towers of a contrastive model.

        Of two shifts only that of the one side reaches the outputs, through the gain of the other: its own gain moves.
        """
        self.is_compared = True
        sides = [self._by_output[without_numbers(operand)] for operand in product.operands]
        if set(sides[0].atoms) != set(sides[1].atoms):
            raise Seen
        for place, (query, key) in enumerate((sides, sides[::-1])):
            of_key = [slot for slot in product.free if slot not in product.map(place)]
            unseen = key.shift is None or self._network.invisible(product, of_key) == EXACT
            if unseen and (query.gain is not None or query.shift is None):
                self._between(*((key.gain, None) if query.gain is None else (query.gain, key.gain)))
                if query.shift is not None:
                    self._require_alone(query.shift)
                    self.readers[query.shift] = (query.shift.where(query.atoms), key.gain)
                return [(norm.core.operands[0], reader_over(norm.core)) for norm in sides]
        raise Seen

    def _between(self, gain: Node | None, partner: Node | None) -> None:
        """A gain with streams on both of its sides, the only one."""
        if gain is None:
            return
        self.gains[gain] = partner
        if len(self.gains) > 1 or gain is partner:
            raise Seen
        self._require_alone(*(leaf for leaf in (gain, partner) if leaf is not None))

    def _require_alone(self, *leaves: Node) -> None:
        """Each is read once, and no part of another."""
        if not all(len(self._network.uses(leaf)) == 1 and self._network.is_alone(leaf) for leaf in leaves):
            raise Seen

    def _reads(self, reader: Reader, slots: tuple[Slot, ...], gain: Node | None) -> None:
        leaf = reader.leaf
        single = leaf.kind is Kind.LEAF and len(self._network.uses(leaf)) == 1
        if not single or leaf in self.writers or "padded" in reader.product.name:
            raise Seen
        self.readers[leaf] = (reader.columns(slots), gain)


def _is_contraction(user: Node, place: int, slots: tuple[Slot, ...]) -> bool:
    """Whether a use of a value sums over all of these slots, paired with those of another."""
    partners = user.summed(place)
    return user.kind is Kind.PRODUCT and all(partners.get(slot) is not None for slot in slots)
