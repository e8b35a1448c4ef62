"""Products of two trained maps."""

from collections.abc import Iterator
from dataclasses import dataclass

from .axes import Slot
from .expression import Kind, Node
from .network import Network
from .norms import Reader
from .parts import lineage


@dataclass(frozen=True)
class Map:
    """A map of a value by one parameter.

    Args:
        reader: the contraction with the parameter.
        value: what it reads.
        columns: the value's slots that are contracted, with those of the parameter.
        scale: the number that multiplies the result.
    """

    reader: Reader
    value: Node
    columns: dict[Slot, Slot]
    scale: float


@dataclass(frozen=True)
class LowRank:
    """A map of a value by a product of two parameters, :math:`s B A^{T}`.

    Args:
        left: B.
        right: A.
        value: what is mapped.
        rows: the result's slots, with those of B.
        columns: the value's slots, with those of A.
        rank: pairs of slots of B and A that are contracted.
        scale: s.
    """

    left: Node
    right: Node
    value: Node
    rows: dict[Slot, Slot]
    columns: dict[Slot, Slot]
    rank: tuple[tuple[Slot, Slot], ...]
    scale: float


def map_of(network: Network, node: Node) -> Map | None:
    """A value as a map of another by a parameter that is read there alone, times a number."""
    scale, numbers = 1.0, _numbers(node)
    while len(numbers) == 1:
        value = node.operands[numbers[0]].data
        if value is None:
            return None
        scale, node = scale * float(value), node.operands[1 - numbers[0]]
        numbers = _numbers(node)
    if node.kind is not Kind.PRODUCT or len(node.operands) != 2 or "padded" in node.name:
        return None
    for place, leaf in enumerate(node.operands):
        partners = {slot: own for slot, own in node.summed(1 - place).items() if own is not None}
        rows = node.map(place)
        if (
            leaf.kind is Kind.LEAF
            and _is_whole(network, leaf)
            and set(leaf.free) == {*partners.values(), *rows.values()}
            and rows.keys().isdisjoint(node.map(1 - place))  # no gain: every row reads the whole value
            and not leaf.offset
        ):
            return Map(Reader(node, place, leaf), node.operands[1 - place], partners, scale)
    return None


def _numbers(node: Node) -> list[int]:
    """The operands of an elementwise product that are numbers."""
    if node.kind is not Kind.PRODUCT or len(node.operands) != 2 or node.sums():
        return []
    return [i for i, operand in enumerate(node.operands) if operand.kind is Kind.CONSTANT and not operand.free]


def low_rank(network: Network, term: Node) -> LowRank | None:
    """A value as a product of two maps, of which nothing else reads what is between them."""
    outer = map_of(network, term)
    inner = None if outer is None else map_of(network, outer.value)
    if outer is None or inner is None or not _is_read_by(network, outer.value, outer.reader.leaf):
        return None
    between = _rows(outer.value, inner.reader)
    if set(outer.columns) != set(between):
        return None
    return LowRank(
        outer.reader.leaf,
        inner.reader.leaf,
        inner.value,
        _rows(term, outer.reader),
        inner.columns,
        tuple((outer.columns[slot], own) for slot, own in between.items()),
        outer.scale * inner.scale,
    )


def beside(network: Network, node: Node, rows: dict[Slot, Slot]) -> Iterator[tuple[Node, dict[Slot, Slot]]]:
    """What is added to a value that nothing else reads, and what its slots stand for by the slots of that."""
    while (use := network.only_use(node)) is not None and use[0].kind is Kind.SUM:
        node, place = use
        back = node.back(place)
        if any(slot not in back for slot in rows):
            return
        rows = {back[slot]: own for slot, own in rows.items()}
        for i, term in enumerate(node.operands):
            inner = node.map(i)
            if i != place and all(slot in inner for slot in rows):
                yield term, {inner[slot]: own for slot, own in rows.items()}


def _is_whole(network: Network, leaf: Node) -> bool:
    """Whether a parameter is read once, beside parts of it that stand for parts of the result."""
    parts = all(leaf in lineage(other) for other in network.overlapping(leaf))
    return leaf.whole is None and network.only_use(leaf) is not None and parts


def _is_read_by(network: Network, node: Node, leaf: Node) -> bool:
    """Whether a value is contracted with a parameter, or parts of it, and nothing else reads it."""
    read = (user.operands[1 - place] for user, place in network.uses(node) if len(user.operands) == 2)
    return all(leaf in lineage(other) for other in read if other.kind is not Kind.CONSTANT)


def _rows(value: Node, reader: Reader) -> dict[Slot, Slot]:
    """The rows of a map by the slots of a multiple of what it returns."""
    slots, places = reader.product.map(reader.place), []
    while value is not reader.product:
        place = 1 - _numbers(value)[0]
        places.append((value, place))
        value = value.operands[place]
    for outer, place in reversed(places):
        back = outer.back(place)
        slots = {back[slot]: own for slot, own in slots.items()}
    return slots
