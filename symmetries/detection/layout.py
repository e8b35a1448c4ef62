"""From the slots of a leaf to a view of the parameter."""

from collections.abc import Iterable, Sequence

from ..view import View
from .axes import Atom, Slot
from .expression import Node, in_whole


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
        Unviewable: a part that is a range, or a slot without a role.
    """
    whole, base = in_whole(leaf), leaf.whole or leaf
    chosen = {}
    for slot, start, stop in leaf.chosen:
        if stop - start != 1:
            raise Unviewable(f"{leaf.name}: entries {start} to {stop} of an axis of {slot.size}")
        chosen[slot] = start
    names: dict[Slot, str] = {}
    roles = (("copies", copies), ("n", n), ("h", h), ("pair", (pair,) if pair else ()))
    for role, slots in roles:
        for i, slot in enumerate(slots):
            if slot not in whole:
                raise Unviewable(f"{leaf.name}: a range of an axis in the place of {role}")
            names[whole[slot]] = role if i == 0 else f"{role}{i + 1}"
    for i, slot in enumerate(chosen):
        names[slot] = "part" if i == 0 else f"part{i + 1}"
    own = [[child for slot in axis for child in slot.resolved()] for axis in base.axes]
    if {slot for axis in own for slot in axis} != set(names):
        raise Unviewable(f"{leaf.name}: slots without a role")
    left = " ".join(_grouped([names[slot] for slot in axis]) for axis in own)
    right = [names[slot] for slot in chosen]
    right += [_grouped([names[whole[slot]] for slot in slots]) for _, slots in roles[:3]]
    sizes = {names[slot]: slot.size for axis in own if len(axis) > 1 for slot in axis}
    view = View(leaf.name, f"{left} -> {' '.join(right)}{' pair' if pair else ''}", **sizes)
    return view.at(*chosen.values()) if chosen else view


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
        raise Unviewable(f"{leaf.name}: an axis is missing, or there twice")
    taken = tuple(slot for slots in chosen for slot in slots)
    return taken, tuple(slot for slot in leaf.free if slot not in taken)


def title(leaf: Node) -> str:
    """The name of a parameter, with the part that is meant."""
    return leaf.name + "".join(
        f"[{start}]" if stop == start + 1 else f"[{start}:{stop}]" for _, start, stop in leaf.chosen
    )
