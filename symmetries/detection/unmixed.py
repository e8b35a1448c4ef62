"""What a value meets along an axis that nothing mixes: a layer scale, a norm that is contracted with it."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..factor import EXACT
from .axes import Slot
from .expression import Kind, Node
from .network import Network, atoms, constant_after, without_numbers
from .norms import norms


@dataclass(frozen=True)
class Weighting:
    """A vector by which the entries of a value count, where it changes along its inverse.

    Args:
        leaf: the vector, or None for ones.
        flag: what holds of such a change: it is ``"exact"`` or ``"softmax"`` invisible; None when it is seen.
    """

    leaf: Node | None
    flag: str | None


def weighting(network: Network, node: Node, slots: tuple[Slot, ...]) -> Weighting | None:
    """The vector along the inverse of which a value must change so that the change is constant, or nothing, later."""
    for user, place, axis in _uses(network, node, slots):
        scale = scale_of(user, place, axis)
        if scale is not None:
            back = user.back(place)
            return Weighting(scale, network.invisible(user, [back[slot] for slot in axis]))
        against = _against_norm(network, user, place, axis)
        if against is not None:
            return against
    return None


def scale_of(product: Node, place: int, slots: tuple[Slot, ...]) -> Node | None:
    """The parameter that multiplies an operand elementwise along exactly these slots of it, or None."""
    if product.kind is not Kind.PRODUCT or len(product.operands) != 2 or product.sums():
        return None
    leaf, back, inner = product.operands[1 - place], product.back(place), product.map(1 - place)
    along = {inner.get(back[slot]) for slot in slots if slot in back}
    return leaf if leaf.kind is Kind.LEAF and along and along == set(leaf.free) else None


def gain_behind(network: Network, leaf: Node, slots: tuple[Slot, ...]) -> Node | None:
    """The parameter that multiplies what a map writes along some slots, before anything else reads it, or None."""
    node = leaf
    while (use := network.only_use(node)) is not None:
        user, place = use
        gain, back = scale_of(user, place, slots), user.back(place)
        if gain is not None:
            return None if gain.offset else gain
        if user.kind not in (Kind.SUM, Kind.PRODUCT) or any(slot not in back for slot in slots):
            return None
        node, slots = user, tuple(back[slot] for slot in slots)
    return None


def _uses(network: Network, node: Node, slots: tuple[Slot, ...]) -> Iterator[tuple[Node, int, tuple[Slot, ...]]]:
    """The uses of a value one after the other, while nothing else reads it, and the axis is carried unmixed."""
    while (use := network.only_use(node)) is not None:
        user, place = use
        yield user, place, slots
        back = user.back(place)
        after = tuple(back[slot] for slot in slots if slot in back)
        linear = user.kind in (Kind.SUM, Kind.PRODUCT, Kind.SELECTION, Kind.AVERAGE)
        if not linear or len(after) < len(slots) or not set(after) <= constant_after(user, place, frozenset(slots)):
            return
        node, slots = user, after


def _against_norm(network: Network, user: Node, place: int, slots: tuple[Slot, ...]) -> Weighting | None:
    r"""A contraction with a LayerNorm :math:`\gamma n + \beta`: along the inverse gain, it is a constant."""
    partners = user.summed(place) if user.kind is Kind.PRODUCT and len(user.operands) == 2 else {}
    axis = [partners.get(slot) for slot in slots]
    if not axis or None in axis or user.operands[place].kind is Kind.LEAF:  # a leaf is a reader of the norm
        return None
    other = without_numbers(user.operands[1 - place])
    for norm in norms(network):
        if norm.output is other and norm.core.kind is Kind.LAYER_NORM and norm.is_trainable_or_absent:
            if set(norm.atoms) != set(atoms(slot for slot in axis if slot)):
                return None
            constant = [slot for slot in user.free if slot not in user.map(place)]
            return Weighting(norm.gain, EXACT if norm.shift is None else network.invisible(user, constant))
    return None
