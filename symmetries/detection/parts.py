"""Parts of parameters: which entries a leaf holds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .axes import Slot, resolved, resolved_pairs
from .expression import Node


@dataclass(frozen=True)
class Block:
    """Some consecutive entries of an axis.

    Args:
        size: the length of the whole axis.
        start: the first entry.
        stop: the one after the last.
        inner: how the entries are read.
    """

    size: int
    start: int
    stop: int
    inner: tuple["Slot | Block", ...]

    @property
    def length(self) -> int:
        """The number of entries."""
        return self.stop - self.start


Entry = Slot | Block


def dimensions(leaf: Node) -> list[tuple[Entry, ...]]:
    """The dimensions of the parameter, each as the leaf's slots and the blocks it is a part of."""
    if leaf.whole is None or leaf.chosen is None:
        return [resolved(axis) for axis in leaf.axes]
    slot, start, stop = leaf.chosen
    own = {old: new for new, old in resolved_pairs(leaf.maps[0])}
    first, *rest = slot.resolved()
    own[first] = Block(slot.size, start, stop, resolved(leaf.over))  # type: ignore[assignment]
    return [tuple(_renamed(entries, own, set(rest))) for entries in dimensions(leaf.whole)]


def _renamed(entries: Iterable[Entry], own: dict[Slot, Slot], gone: set[Slot]) -> Iterator[Entry]:
    for entry in entries:
        if isinstance(entry, Block):
            yield Block(entry.size, entry.start, entry.stop, tuple(_renamed(entry.inner, own, gone)))
        elif entry not in gone:
            yield own[entry]


def lineage(leaf: Node) -> tuple[Node, ...]:
    """The leaf, what it is a part of, and so on."""
    return (leaf,) if leaf.whole is None else (leaf, *lineage(leaf.whole))


def maximal(leaves: Iterable[Node]) -> list[Node]:
    """The leaves without parts of others among them."""
    leaves = list(leaves)
    return [leaf for leaf in leaves if not set(lineage(leaf)[1:]) & set(leaves)]


def starts(leaf: Node) -> tuple[tuple[int, int], ...]:
    """The ranges that were chosen one after the other."""
    return tuple(part.chosen[1:] for part in lineage(leaf)[::-1] if part.chosen is not None)


def entries(leaf: Node) -> tuple[frozenset[int], ...]:
    """The entries that a leaf holds, of every dimension of the parameter."""
    return tuple(frozenset(_positions(dimension)) for dimension in dimensions(leaf))


def overlap(one: Iterable[frozenset[int]], other: Iterable[frozenset[int]]) -> bool:
    """Whether two leaves of one parameter, given by their entries, hold a common one."""
    return not any(a.isdisjoint(b) for a, b in zip(one, other, strict=True))


def _positions(dimension: tuple[Entry, ...]) -> list[int]:
    """The entries of a dimension that are held."""
    positions = [0]
    for entry in dimension:
        inside = [entry.start + i for i in _positions(entry.inner)] if isinstance(entry, Block) else range(entry.size)
        positions = [at * entry.size + i for at in positions for i in inside]
    return positions


def shared_slots(a: Node, b: Node) -> Iterator[tuple[Slot, Slot]]:
    """Pairs of slots of two leaves of one parameter that are the same axis of it."""
    of_b = {root: own for own, root in _roots(b).items()}
    return ((own, of_b[root]) for own, root in _roots(a).items() if root in of_b)


def _roots(leaf: Node) -> dict[Slot, Slot]:
    """From the slots of a leaf to those of the whole parameter, where they are whole axes of it."""
    if leaf.whole is None or leaf.chosen is None:
        return {slot: slot for slot in leaf.free}
    pairs = dict((*resolved_pairs(leaf.maps[0]), *leaf.range_pairs))
    above = _roots(leaf.whole)
    return {own: above[old] for own, old in pairs.items() if old in above}
