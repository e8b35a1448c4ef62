"""From the slots of a leaf to a view of the parameter."""

from collections.abc import Iterable, Iterator, Sequence

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
        Unviewable: a part that is no block of equal ones, or a slot without a role.
    """
    roles = (("copies", copies), ("n", n), ("h", h), ("pair", (pair,) if pair else ()))
    names = {slot: _numbered(role, i) for role, slots in roles for i, slot in enumerate(slots)}
    axes = [list(_axes(leaf, entries)) for entries in dimensions(leaf)]
    if {axis for dim in axes for axis in dim if isinstance(axis, Slot)} != set(names):
        raise Unviewable(f"{title(leaf)}: slots without a role")
    at: list[int] = []
    left, sizes = [], {}
    for dim in axes:
        written = []
        for axis in dim:
            written.append(names[axis] if isinstance(axis, Slot) else _numbered("part", len(at)))
            at += [] if isinstance(axis, Slot) else [axis[1]]
            if len(dim) > 1:
                sizes[written[-1]] = axis.size if isinstance(axis, Slot) else axis[0]
        left.append(_grouped(written))
    right = [_numbered("part", i) for i in range(len(at))]
    right += [_grouped([names[slot] for slot in slots]) for _, slots in roles[:3]]
    view = View(leaf.name, f"{' '.join(left)} -> {' '.join(right)}{' pair' if pair else ''}", **sizes)
    return view.at(*at) if at else view


def _axes(leaf: Node, entries: Iterable[Entry]) -> Iterator[Slot | tuple[int, int]]:
    """Slots, and for a block the number of blocks and which one it is."""
    for entry in entries:
        if not isinstance(entry, Block):
            yield entry
            continue
        block = _narrowed(entry)
        if block.size % block.length or block.start % block.length:
            raise Unviewable(f"{title(leaf)}: no block of {block.size // block.length or 1} equal ones")
        yield block.size // block.length, block.start // block.length
        yield from _axes(leaf, block.inner)


def _narrowed(block: Block) -> Block:
    """A block of which one part is chosen, as that part: of queries, keys and values, the keys of the last two."""
    while block.inner and isinstance(part := block.inner[0], Block) and part.length == 1:
        length = block.length // part.size
        start = block.start + part.start * length
        block = Block(block.size, start, start + length, (*part.inner, *block.inner[1:]))
    return block


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
