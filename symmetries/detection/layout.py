"""From the slots of a leaf to a view of the parameter."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..view import View
from .axes import Atom, Slot
from .expression import Node
from .parts import Block, Entry, dimensions, starts


class Unviewable(Exception):
    """A part of a parameter that no einops pattern describes."""


def leaf_view(
    leaf: Node,
    *,
    copies: Sequence[Slot] = (),
    n: Sequence[Slot] = (),
    h: Sequence[Slot] = (),
    pair: Slot | None = None,
) -> View:
    """The view of a leaf with its slots in these roles; all slots of the leaf must have one.

    Args:
        leaf: a parameter or a part of one.
        copies: slots whose product is the axis *copies*, outermost first.
        n: the rows.
        h: the columns.
        pair: real and imaginary part.

    Raises:
        Unviewable: a part that is no range of an axis, or a slot without a role.
    """
    roles = (("copies", copies), ("n", n), ("h", h), ("pair", (pair,) if pair else ()))
    names = {slot: _numbered(role, i) for role, slots in roles for i, slot in enumerate(slots)}
    axes = [list(_axes(entries)) for entries in dimensions(leaf)]
    if {axis.slot for dim in axes for axis in dim if axis.slot is not None} != set(names):
        raise Unviewable(f"{title(leaf)}: slots without a role")
    at: list[int] = []
    left: list[str] = []
    sizes: dict[str, int] = {}
    ranges: dict[str, tuple[int, int]] = {}
    for dim in axes:
        written = []
        for axis in dim:
            name = _numbered("part", len(at)) if axis.slot is None else names[axis.slot]
            written.append(name)
            at += [axis.start] if axis.slot is None else []
            sizes |= {name: axis.size} if len(dim) > 1 else {}
            ranges |= {name: (axis.start, axis.stop)} if axis.slot is not None and axis.is_partial else {}
        left.append(_grouped(written))
    right = [_numbered("part", i) for i in range(len(at))]
    right += [_grouped([names[slot] for slot in slots]) for _, slots in roles[:3]] + (["pair"] if pair else [])
    return View(leaf.name, f"{' '.join(left)} -> {' '.join(right)}", **sizes).at(*at).within(**ranges)


@dataclass(frozen=True)
class _Axis:
    """An axis of a parameter in a view: the entries that a slot stands for, or one that is fixed, without a slot."""

    slot: Slot | None
    size: int
    start: int
    stop: int

    @property
    def is_partial(self) -> bool:
        return self.stop - self.start < self.size


def _axes(entries: Iterable[Entry]) -> Iterator[_Axis]:
    """Slots; for one of equal blocks which it is, and what is inside; for another block a range of entries."""
    for entry in entries:
        if not isinstance(entry, Block):
            yield _Axis(entry, entry.size, 0, entry.size)
        elif entry.size % entry.length == entry.start % entry.length == 0:
            at = entry.start // entry.length
            yield _Axis(None, entry.size // entry.length, at, at + 1)
            yield from _axes(entry.inner)
        elif entry.inner and isinstance(part := entry.inner[0], Block):
            yield from _axes([_merged(entry, part)])
        else:
            yield from _range(entry)


def _merged(block: Block, part: Block) -> Block:
    """A block of which a part is chosen, as that part: of queries, keys and values, the keys of the last two."""
    unit = block.length // part.size
    start, stop = (block.start + end * unit for end in (part.start, part.stop))
    return Block(block.size, start, stop, (*part.inner, *block.inner[1:]))


def _range(block: Block) -> Iterator[_Axis]:
    """Entries of an axis, in units of what is inside the outermost slot."""
    first = block.inner[0] if block.inner else None
    unit = block.length // first.size if isinstance(first, Slot) else 0
    if not isinstance(first, Slot) or block.size % unit or block.start % unit:
        raise Unviewable(f"entries {block.start} to {block.stop} of {block.size} are no range of an axis")
    yield _Axis(first, block.size // unit, block.start // unit, block.stop // unit)
    yield from _axes(block.inner[1:])


def _numbered(role: str, i: int) -> str:
    return role if i == 0 else f"{role}{i + 1}"


def _grouped(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({' '.join(names)})" if names else "1"


def split_by(leaf: Node, atoms: Iterable[Atom]) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    """The slots of a leaf with these atoms, in the order of the atoms, and the others, in the order of the leaf.

    Raises:
        Unviewable: an atom that the leaf lacks, or holds twice.
    """
    by_atom: dict[Atom, list[Slot]] = {}
    for slot in leaf.free:
        by_atom.setdefault(slot.atom.root(), []).append(slot)
    chosen = [by_atom.get(atom.root(), []) for atom in atoms]
    if any(len(slots) != 1 for slots in chosen):
        raise Unviewable(f"{title(leaf)}: an axis is missing, or there twice")
    taken = tuple(slot for slots in chosen for slot in slots)
    return taken, tuple(slot for slot in leaf.free if slot not in taken)


def entries_along(node: Node, axis: Iterable[Atom]) -> tuple[float, ...]:
    """The values of data that has this axis alone.

    Raises:
        Unviewable: values that are not known, as on the meta device, or in another order.
    """
    if node.data is None or [slot.atom.root() for slot in node.free] != [atom.root() for atom in axis]:
        raise Unviewable("a norm whose gain and shift are not trained, and not known here")
    return tuple(node.data.detach().double().flatten().tolist())


def title(leaf: Node) -> str:
    """The name of a parameter, with the part that is meant."""
    return leaf.name + "".join(f"[{i}]" if j == i + 1 else f"[{i}:{j}]" for i, j in starts(leaf))
