"""Scales that norms forget, and scales that parameters trade among each other."""

from collections.abc import Iterator, Sequence

from ..absorption import Gain
from ..factor import APPROXIMATE, COUNTED, EXACT, AbstractFactor
from ..group import GeneralLinear
from ..rescaling import Rescaling
from ..symmetry import Symmetry
from ..view import View
from .axes import Atom
from .expression import EPS, Node
from .homogeneity import Exponents, Homogeneity
from .layout import Unviewable, leaf_view, title
from .network import Network
from .parts import maximal
from .proposal import Proposal
from .scaling import solutions

_TRADE = "trade of scale"


def propose_rescalings(network: Network) -> Iterator[Proposal]:
    """One factor for every scale that norms forget and that no cancellation explains."""
    system = Homogeneity(network)
    for exponents in system.forgotten():
        norms = [core for core in system.norms if system.value(system.forms[core.operands[0]], exponents)]
        approximate = any(core.name == EPS for core in norms)
        flags = frozenset({APPROXIMATE}) if approximate else frozenset({EXACT, COUNTED})
        try:
            terms = rescaled(exponents, system.kept(exponents))
        except Unviewable:
            continue  # a scale of a part that no view describes: approximate ones are a courtesy, nothing is missing
        yield Proposal(((Rescaling(f"scale of {_first(exponents)}", terms, flags=flags),),))


def propose_trades(network: Network, bases: set[str]) -> Iterator[Proposal]:
    """One factor for every scale that whole tensors trade, where no axis of theirs explains it.

    Args:
        network: the expression graph.
        bases: parameters whose bases may be changed: a scale of theirs is counted, not taken out a second time.
    """
    system = Homogeneity(network)
    known = [{node: e for (node, _), e in solution.leaves.items()} for solution in solutions(network)]
    for exponents in system.traded(known):
        if min(exponents.values()) > 0 or max(exponents.values()) < 0:
            continue  # nothing takes back what is scaled: its values have no influence
        try:
            yield Proposal(((_trade(exponents, system.is_positive(exponents), bases),),))
        except Unviewable as reason:
            modules = tuple(dict.fromkeys(leaf.name.rpartition(".")[0] for leaf in exponents))
            yield Proposal((), f"a scale is traded, which is not expressed: {reason}", modules)


def _trade(exponents: Exponents, is_positive: bool, bases: set[str]) -> AbstractFactor:
    """A number folds into a map; two tensors are a pair; the rest is counted."""
    terms = rescaled(exponents, ())
    names = f"scale of {_first(exponents)} into {_last(exponents)}"
    simple = all(abs(e) == 1 for _, e in terms)
    sides = [[leaf for leaf in _ordered(exponents) if exponents[leaf] * sign > 0] for sign in (1, -1)]
    for side, other in (sides, sides[::-1]) if simple else ():
        number = next((leaf for leaf in side if not leaf.free), None)
        if number is not None:
            gain, *followers = (_column(leaf) for leaf in (number, *(leaf for leaf in side if leaf is not number)))
            readers = tuple(map(_column, other))
            return Gain(names, gain, readers, tuple(followers), family=_TRADE)
    if simple and not any(leaf.offset for leaf in exponents) and not bases & {leaf.name for leaf in exponents}:
        standard, dual = (tuple(map(_column, side)) for side in sides)
        return Symmetry(GeneralLinear(1, positive=is_positive), standard, dual, name=names, family=_TRADE)
    return Rescaling(names, terms, family=_TRADE, flags=frozenset({EXACT, COUNTED}))


def rescaled(exponents: Exponents, copies: Sequence[Atom]) -> tuple[tuple[View, float], ...]:
    """The terms of a rescaling, positive for the first parameter."""
    leaves = _ordered(exponents)
    sign = 1 if exponents[leaves[0]] > 0 else -1
    return tuple((_column(leaf, copies), float(sign * exponents[leaf])) for leaf in leaves)


def _column(leaf: Node, copies: Sequence[Atom] = ()) -> View:
    own = [next(slot for slot in leaf.free if slot.atom.root() is atom) for atom in copies]
    return leaf_view(leaf, copies=own, n=[slot for slot in leaf.free if slot not in own]).plus(leaf.offset)


def _ordered(exponents: Exponents) -> list[Node]:
    return sorted(maximal(exponents), key=lambda leaf: leaf.order)


def _first(exponents: Exponents) -> str:
    return title(_ordered(exponents)[0])


def _last(exponents: Exponents) -> str:
    leaves = _ordered(exponents)
    return title(next(leaf for leaf in leaves if exponents[leaf] * exponents[leaves[0]] < 0))
