"""Factor pairs and gains, from the scalings that cancel."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import torch

from ..absorption import Gain
from ..factor import COUNTED, EXACT, AbstractFactor
from ..group import GeneralLinear
from ..rescaling import Rescaling
from ..symmetry import Symmetry
from ..view import View
from .axes import Atom, Slot, align
from .expression import Kind, Node
from .layout import Unviewable, leaf_view, split_by, title
from .network import Network
from .norms import norms
from .parts import maximal, starts
from .planes import TURN
from .proposal import Proposal
from .rescalings import rescaled
from .scaling import Freedom, Solution, common_atoms, solutions
from .unmixed import gain_behind


@dataclass(frozen=True)
class _Family:
    """Solutions that move the same values: one group on the product of their axes.

    Args:
        matrix: the atoms that the group mixes; empty for scalings.
        copies: the atoms with an independent element for each index.
        sides: the leaves that scale with the group and those that scale against it.
        freedom: the group.
        solutions: what it was made of.
    """

    matrix: tuple[Atom, ...]
    copies: tuple[Atom, ...]
    sides: tuple[tuple[Node, ...], tuple[Node, ...]]
    freedom: Freedom
    solutions: tuple[Solution, ...]

    @cached_property
    def axes(self) -> set[Atom]:
        """The atoms along which the solutions scale."""
        return {slot.atom.root() for solution in self.solutions for _, slot in solution.exponents}

    def slots(self, leaf: Node, axes: Sequence[Atom]) -> tuple[Slot, ...]:
        """The slots of a leaf for some atoms; where it holds one twice, that along which it scales."""
        own = {slot.atom.root(): slot for each in self.solutions for node, slot in each.exponents if node is leaf}
        other = {slot.atom.root(): slot for slot in leaf.free}
        return tuple(own.get(atom.root(), other[atom.root()]) for atom in axes)

    @cached_property
    def middles(self) -> tuple[Node, ...]:
        """The parameters that multiply what the group mixes."""
        return tuple(dict.fromkeys(middle for solution in self.solutions for middle in solution.middles))

    def scaled(self) -> "_Family":
        """The same without what mixes entries."""
        return replace(self, matrix=(), copies=(*self.copies, *self.matrix), freedom=Freedom.SCALING)

    @cached_property
    def exponents(self) -> dict[Node, int]:
        """Of the leaves, the same for all solutions."""
        return {node: s for (node, _), s in self.solutions[0].leaves.items()}


def propose_pairs(network: Network) -> Iterator[Proposal]:
    """Every family of cancelling scalings as a factor: a gain where one tensor carries nothing else, else a pair."""
    grouped: dict[frozenset[tuple[Node, int]], list[Solution]] = {}
    for solution in solutions(network):
        members = frozenset((node, s) for (node, _), s in solution.exponents.items())
        grouped.setdefault(members, []).append(solution)
    families: list[_Family] = []
    for group in grouped.values():
        try:
            family = _family(group)
        except Unviewable as reason:
            yield _missed(group, reason)
            continue
        families += [] if family is None else [family]
    kept: list[_Family] = []
    for family in sorted(families, key=lambda family: -len(family.copies + family.matrix)):
        kept += [family] if _is_new(family, kept) else []
    scaled = Counter(leaf for family in kept for leaf in family.exponents)
    for family in kept:
        try:
            yield Proposal(tuple(_factors(network, family, {leaf for leaf in scaled if scaled[leaf] > 1})))
        except Unviewable as reason:
            yield _missed(family.solutions, reason)


def _missed(group: Sequence[Solution], reason: Unviewable) -> Proposal:
    modules = {node.name.rpartition(".")[0] or "the model itself" for node, _ in group[0].leaves}
    return Proposal((), f"a scaling was found and not expressed: {reason}", tuple(sorted(modules)))


def _is_new(family: _Family, known: list[_Family]) -> bool:
    """Whether a family is no combination of others that act for each index of its axes apart."""
    wide = [other for other in known if family.axes <= set(other.copies + other.matrix)]
    leaves = list(dict.fromkeys(leaf for each in (family, *wide) for leaf in each.exponents))
    rows = [[each.exponents.get(leaf, 0) for leaf in leaves] for each in (*wide, family)]
    matrix = torch.tensor(rows, dtype=torch.float64)
    return int(torch.linalg.matrix_rank(matrix)) > (int(torch.linalg.matrix_rank(matrix[:-1])) if wide else 0)


def _family(group: list[Solution]) -> _Family | None:
    first = group[0]
    leaves = {node: s for (node, _), s in first.leaves.items()}
    if len(leaves) < len(first.leaves):
        raise Unviewable(f"{next(iter(leaves)).name}: one axis is there twice")
    if min(leaves.values()) > 0 or max(leaves.values()) < 0:
        return None  # nothing takes back what it scales: its values have no influence
    own = {slot.atom.root() for solution in group for _, slot in solution.exponents}
    common = common_atoms([node for node, _ in first.exponents], own)
    freedom = min((solution.freedom for solution in group), key=lambda freedom: freedom.value)
    axes = {slot.atom.root() for solution in group if solution.freedom is freedom for _, slot in solution.exponents}
    if freedom is Freedom.MATRIX and set(leaves.values()) != {1, -1}:
        raise Unviewable(f"{next(iter(leaves)).name}: exponents {sorted(set(leaves.values()))}")
    matrix = tuple(atom for atom in common if atom in axes) if freedom is Freedom.MATRIX else ()
    copies = tuple(atom for atom in common if atom not in matrix)
    sides = (_sorted([node for node, s in leaves.items() if s * sign > 0]) for sign in (1, -1))
    first_side, second_side = sorted(sides, key=lambda side: min(map(_order, side)))
    return _Family(matrix, copies, (first_side, second_side), freedom, tuple(group))


def _order(leaf: Node) -> tuple[int, ...]:
    """The order of parameters in the model, then that of the parts of one."""
    return (leaf.order, *(start for start, _ in starts(leaf)))


def _sorted(leaves: Iterable[Node]) -> tuple[Node, ...]:
    """Weights before biases, without the parts of a parameter that is there as a whole."""
    return tuple(sorted(maximal(leaves), key=lambda leaf: (-len(leaf.free), _order(leaf))))


def _factors(network: Network, family: _Family, shared: set[Node]) -> Iterator[tuple[AbstractFactor, ...]]:
    """The proposals for a family, the largest group first; a leaf that several families scale is not held as a gain."""
    if set(family.exponents.values()) != {1, -1}:
        flags = frozenset({EXACT, COUNTED})  # no metric on pairs is invariant under powers
        terms = rescaled(family.exponents, family.copies)
        yield (Rescaling(_name(family), terms, family="rescaling of units by powers", flags=flags),)
        return
    gain = _gain(network, family, shared) or _gain_pair(network, family)
    if gain is not None:
        yield (gain,)
        return
    if any(leaf.offset for side in family.sides for leaf in side):
        raise Unviewable("a pair of which one is stored with an offset")
    if family.freedom is Freedom.SCALING:
        paired = _complex_pair(network, family)
        if paired is not None:
            yield (paired,)
    if family.freedom is Freedom.MATRIX and family.middles:
        yield from _conjugated(network, family)
        family = family.scaled()
    yield (_pair(family),)


def _pair(family: _Family) -> Symmetry:
    standard, dual = (tuple(_view(leaf, family) for leaf in side) for side in family.sides)
    group = GeneralLinear(prod(atom.size for atom in family.matrix), positive=family.freedom is Freedom.POSITIVE)
    return Symmetry(group, standard, dual, name=_name(family), family=_title(family))


def _conjugated(network: Network, family: _Family) -> Iterator[tuple[AbstractFactor, ...]]:
    """The pair with trained gains behind its maps, those that multiply what the group mixes."""
    axes = ((*family.copies, *family.matrix), family.matrix)  # one gain for each copy, or the same for all
    gains = {
        leaf: [gain for each in axes if (gain := gain_behind(network, leaf, family.slots(leaf, each))) is not None]
        for leaf in (*family.sides[0], *family.sides[1])
    }
    if {gain for found in gains.values() for gain in found} != set(family.middles):
        return
    try:
        views = [(_view(leaf, family), _gain_view(gain, family)) for leaf, found in gains.items() for gain in found[:1]]
    except Unviewable:
        return  # a gain that has not the axes that the group mixes
    yield (replace(_pair(family), gains=tuple(views)),)


def _gain_view(gain: Node, family: _Family) -> View:
    h, copies = split_by(gain, family.matrix)
    return leaf_view(gain, copies=[slot for slot in copies if slot.atom.root() in family.copies], h=h)


def _view(leaf: Node, family: _Family) -> View:
    copies, h = family.slots(leaf, family.copies), family.slots(leaf, family.matrix)
    return leaf_view(leaf, copies=copies, n=[slot for slot in leaf.free if slot not in (*copies, *h)], h=h)


def _name(family: _Family) -> str:
    return " ~ ".join(title(side[0]) for side in family.sides)


def _title(family: _Family) -> str:
    if family.freedom is Freedom.MATRIX:
        return "change of basis"
    return "rescaling of units" if family.freedom is Freedom.POSITIVE else "scaling of units"


def _gain(network: Network, family: _Family, shared: set[Node]) -> Gain | None:
    """The family as a gain: a vector that multiplies a value elementwise, against maps that read it or write it."""
    if family.freedom is not Freedom.SCALING:
        return None
    for side, other in (family.sides, family.sides[::-1]):
        alone = [leaf for leaf in side if leaf not in shared and len(leaf.free) == len(family.copies)]
        gains = [leaf for leaf in alone if leaf.offset or _multiplies(network, leaf)]
        if gains and any(len(leaf.free) > len(family.copies) for leaf in other):
            gain = gains[0]
            rest = [leaf for leaf in side if leaf is not gain]
            followers, readers = (tuple(_last_axis(leaf, family) for leaf in leaves) for leaves in (rest, other))
            return Gain(f"{gain.name} into {readers[0].parameter}", _last_axis(gain, family), readers, followers)
    return None


def _gain_pair(network: Network, family: _Family) -> Gain | None:
    """The gains of two norms that multiply each other, those of normalized queries and keys, the one into the other."""
    (gain, *rest), readers = family.sides
    gains = {norm.gain.name for norm in norms(network) if norm.gain is not None}
    if family.freedom is not Freedom.SCALING or not {gain.name, readers[0].name} <= gains:
        return None
    followers, views = (tuple(_last_axis(leaf, family) for leaf in leaves) for leaves in (rest, readers))
    name = f"{gain.name} into {readers[0].name}"
    return Gain(name, _last_axis(gain, family), views, followers, family="scaling of units")


def _multiplies(network: Network, leaf: Node) -> bool:
    return all(reader.kind is Kind.PRODUCT and not reader.sums() for reader, _ in network.uses(leaf))


def _last_axis(leaf: Node, family: _Family) -> View:
    k = family.slots(leaf, family.copies)
    return leaf_view(leaf, n=[slot for slot in leaf.free if slot not in k], h=k).plus(leaf.offset)


def _complex_pair(network: Network, family: _Family) -> Symmetry | None:
    """Scalings of two coordinates at once may be complex ones: the planes that a rotary embedding turns."""
    sides = []
    for side in family.sides:
        planes = [_plane(network, leaf) for leaf in side]
        views = []
        for leaf, pair in dict(plane for plane in planes if plane is not None).items():
            copies = family.slots(leaf, family.copies)
            rest = [slot for slot in leaf.free if slot not in (*copies, pair)]
            views.append(leaf_view(leaf, copies=copies, n=rest, pair=pair))
        if None in planes:
            return None
        sides.append(tuple(views))
    standard, dual = sides
    group = GeneralLinear(1, "complex")
    return Symmetry(group, standard, dual, name=_name(family), family="change of basis by plane")


def _plane(network: Network, leaf: Node) -> tuple[Node, Slot] | None:
    """A leaf with an axis that the network turns by planes, and the slot of length two that tells their axes apart."""
    turned = {slot.atom.root() for node in network.nodes if node.name == TURN for slot in node.summed(0)}
    for slot in leaf.free:
        if slot.size == 2 and slot.atom.root() in turned:
            return leaf, slot
    return _halved(network, leaf)


def _halved(network: Network, leaf: Node) -> tuple[Node, Slot] | None:
    """A leaf with an axis that the network reads in two halves, and the slot of length two that tells them apart."""
    for half in (*(part for part in network.overlapping(leaf) if part.whole is leaf), leaf):
        if half.chosen is None or half.whole is None:
            continue
        slot, start, stop = half.chosen
        if slot.size == 2 * (stop - start) and start in (0, stop - start):
            if slot.size > 2 and not slot.atom.parts:  # nothing read the halves together yet
                slot.atom.refine(2, slot.size // 2)
                align(slot.resolved()[1:], half.over)
            if slot.resolved()[0].size == 2:
                return half.whole, slot.resolved()[0]
    return None
