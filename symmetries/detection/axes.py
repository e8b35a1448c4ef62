r"""Axes of tensors as ordered products of atoms, found while a computation is read.

An *atom* is an index set that no operation divides further: the heads of an attention, the width of a head, the
hidden units of an MLP. A dimension of a tensor is an ordered product of atoms, outermost first. Which atoms there are
is known only at the end: a projection of width 12 is one index set until a reshape reads it as 3 heads of 4. So
atoms are refined in place, and whoever holds one sees its parts.

Two axes that are paired index by index (added, multiplied, contracted) share their atoms from then on.
"""

from collections.abc import Iterable, Sequence
from math import gcd, prod


class Misaligned(Exception):
    """Two axes, or an axis and a shape, have no common refinement."""


class Atom:
    """An index set of a given size, with its refinement and its representative among unified atoms."""

    __slots__ = ("_parent", "_parts", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._parent: Atom | None = None
        self._parts: tuple[Atom, ...] = ()

    def root(self) -> "Atom":
        """The representative of all atoms unified with this one."""
        atom = self
        while atom._parent is not None:
            atom = atom._parent
        return atom

    @property
    def parts(self) -> tuple["Atom", ...]:
        """The atoms this one is the product of, outermost first; empty when it is elementary."""
        return self.root()._parts

    def refine(self, *sizes: int) -> None:
        """Read an elementary atom as a product of atoms of these sizes."""
        self.root()._parts = tuple(Atom(size) for size in sizes)

    def elementary(self) -> tuple["Atom", ...]:
        """The representatives of the elementary atoms this one is made of."""
        root = self.root()
        return tuple(e for part in root._parts for e in part.elementary()) if root._parts else (root,)


class Slot:
    """The place of an atom in one tensor: a tensor may hold an atom twice, but each slot once."""

    __slots__ = ("_children", "atom")

    def __init__(self, atom: Atom) -> None:
        self.atom = atom
        self._children: tuple[Slot, ...] = ()

    def resolved(self) -> tuple["Slot", ...]:
        """The slots of the elementary atoms, this one alone when its atom has no parts."""
        parts = self.atom.parts
        if not parts:
            return (self,)
        if not self._children:
            self._children = tuple(Slot(part) for part in parts)
        return resolved(self._children)

    @property
    def size(self) -> int:
        """The length of the axis."""
        return self.atom.size


Axis = tuple[Slot, ...]
Axes = tuple[Axis, ...]


def resolved(slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """All slots at the level of elementary atoms."""
    return tuple(child for slot in slots for child in slot.resolved())


def resolved_pairs(pairs: Iterable[tuple[Slot, Slot]]) -> tuple[tuple[Slot, Slot], ...]:
    """Pairs of slots with one atom, at the level of elementary atoms."""
    return tuple(child for a, b in pairs for child in zip(a.resolved(), b.resolved(), strict=True))


def new_axes(shape: Sequence[int]) -> Axes:
    """Fresh axes of a tensor: one slot for each dimension longer than 1."""
    return tuple((Slot(Atom(n)),) if n != 1 else () for n in shape)


def unify(a: Atom, b: Atom) -> None:
    """Make two atoms of one size the same index set."""
    align_atoms([a], [b])
    a, b = a.root(), b.root()
    if a is not b:
        a._parent = b


def align_atoms(left: Sequence[Atom], right: Sequence[Atom]) -> None:
    """Refine two products of atoms to a common product, and unify them atom by atom.

    Raises:
        Misaligned: the boundaries of the two products have no common refinement.
    """
    todo_left = [e for atom in left for e in atom.elementary()][::-1]
    todo_right = [e for atom in right for e in atom.elementary()][::-1]
    while todo_left and todo_right:
        a, b = todo_left[-1], todo_right[-1]
        if a.parts or b.parts:  # refined on the way: an atom may stand in both products
            for atom, todo in ((a, todo_left), (b, todo_right)):
                todo[-1:] = atom.elementary()[::-1]
        elif a.root() is b.root():
            todo_left.pop(), todo_right.pop()
        elif a.size == b.size:
            todo_left.pop(), todo_right.pop()
            a.root()._parent = b.root()
        else:
            outer = gcd(a.size, b.size)
            if outer == 1:
                raise Misaligned(f"axes of {a.size} and {b.size} have no common refinement")
            for atom, todo in ((a, todo_left), (b, todo_right)):
                if atom.size != outer:
                    atom.refine(outer, atom.size // outer)
                    todo[-1:] = list(atom.parts)[::-1]
    if todo_left or todo_right:
        raise Misaligned("axes of different lengths")


def align(left: Sequence[Slot], right: Sequence[Slot]) -> tuple[tuple[Slot, Slot], ...]:
    """Pair two axes index by index: pairs of slots with one elementary atom each."""
    align_atoms([slot.atom for slot in left], [slot.atom for slot in right])
    return tuple(zip(resolved(left), resolved(right), strict=True))


def reshape(axes: Axes, shape: Sequence[int]) -> Axes:
    """The axes of a tensor read with another shape, row-major.

    Raises:
        Misaligned: a boundary of the new shape cuts through an atom that it does not divide.
    """
    todo = list(resolved(slot for axis in axes for slot in axis))[::-1]
    result: list[Axis] = []
    for length in shape:
        axis: list[Slot] = []
        while (missing := length // max(prod(slot.size for slot in axis), 1)) > 1:
            slot, *inner = todo.pop().resolved()
            todo += inner[::-1]
            if slot.size > missing:
                if slot.size % missing:
                    raise Misaligned(f"an axis of {slot.size} is not a multiple of {missing}")
                slot.atom.refine(missing, slot.size // missing)
                todo += list(slot.resolved())[::-1]
                continue
            if missing % slot.size:
                raise Misaligned(f"an axis of {missing} is not a multiple of {slot.size}")
            axis.append(slot)
        result.append(tuple(axis))
    return tuple(result)
