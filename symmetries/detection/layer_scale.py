"""Layer scales: vectors that multiply what is written to a stream."""

from dataclasses import dataclass

from .axes import Slot
from .expression import Kind, Node
from .network import Network, constant_after


@dataclass(frozen=True)
class LayerScale:
    """A vector on the way of a value to a stream.

    Args:
        leaf: the vector.
        output: the scaled value.
        slots: the axis of the stream in it.
    """

    leaf: Node
    output: Node
    slots: tuple[Slot, ...]


def scale_of(product: Node, place: int, slots: tuple[Slot, ...]) -> Node | None:
    """The parameter that multiplies an operand elementwise along exactly these slots of it, or None."""
    if product.kind is not Kind.PRODUCT or len(product.operands) != 2 or product.sums():
        return None
    leaf, back = product.operands[1 - place], product.back(place)
    inner = product.map(1 - place)
    along = [inner.get(back[slot]) for slot in slots if slot in back]
    return leaf if leaf.kind is Kind.LEAF and along and set(along) == set(leaf.free) == {*along} - {None} else None


def layer_scale(network: Network, node: Node, slots: tuple[Slot, ...]) -> LayerScale | None:
    """The first vector that multiplies a value along an axis, where nothing else reads the value or mixes the axis."""
    while (use := network.only_use(node)) is not None:
        user, place = use
        back = user.back(place)
        if not all(slot in back for slot in slots):
            return None
        after = tuple(back[slot] for slot in slots)
        leaf = scale_of(user, place, slots)
        if leaf is not None:
            return None if leaf.offset else LayerScale(leaf, user, after)
        if user.kind not in (Kind.SUM, Kind.PRODUCT, Kind.SELECTION, Kind.AVERAGE):
            return None
        if not constant_after(user, place, frozenset(slots)).issuperset(after):
            return None
        node, slots = user, after
    return None
