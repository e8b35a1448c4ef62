"""Products of two trained maps beside a trained map of the same input: updates that the weight takes back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..absorption import Update
from .axes import Slot
from .expression import Kind, Node
from .layout import Unviewable, leaf_view, title
from .network import Network
from .norms import Reader
from .parts import lineage
from .proposal import Proposal


@dataclass(frozen=True)
class _Map:
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


def propose_updates(network: Network) -> Iterator[Proposal]:
    """Every trained weight with every product of two others that is added to what it returns."""
    for leaf in network.leaves:
        use = network.only_use(leaf)
        base = None if use is None else _map(network, use[0])
        if base is None or base.reader.leaf is not leaf or base.scale != 1.0:
            continue
        rows = base.reader.product.map(base.reader.place)
        for term, slots in _beside(network, base.reader.product, rows):
            try:
                factor = _update(network, base, slots, term)
            except Unviewable as reason:
                yield Proposal((), str(reason), (leaf.module,))
                continue
            if factor is not None:
                yield Proposal(((factor,),))


def pinned(proposals: Iterable[Proposal]) -> set[str]:
    """The parameters that updates fold away: no pair of them is left."""
    factors = (factor for proposal in proposals for group in proposal.alternatives for factor in group)
    return {pin.parameter for factor in factors if isinstance(factor, Update) for pin in factor.pins}


def _beside(network: Network, node: Node, rows: dict[Slot, Slot]) -> Iterator[tuple[Node, dict[Slot, Slot]]]:
    """What is added to a value that nothing else reads, and the rows of a weight by the slots of that."""
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


def _map(network: Network, node: Node) -> _Map | None:
    """A value as a map of another by a parameter that is read there alone, times a number."""
    scale = 1.0
    while node.kind is Kind.PRODUCT and len(node.operands) == 2 and not node.sums():
        numbers = [operand.data for operand in node.operands if operand.kind is Kind.CONSTANT and not operand.free]
        if len(numbers) != 1 or numbers[0] is None:
            return None
        scale *= float(numbers[0])
        node = next(operand for operand in node.operands if operand.kind is not Kind.CONSTANT)
    if node.kind is not Kind.PRODUCT or len(node.operands) != 2 or "padded" in node.name:
        return None
    for place, leaf in enumerate(node.operands):
        partners = {slot: own for slot, own in node.summed(1 - place).items() if own is not None}
        if (
            leaf.kind is Kind.LEAF
            and _is_whole(network, leaf)
            and set(leaf.free) == {*partners.values(), *node.map(place).values()}
            and not leaf.offset
        ):
            return _Map(Reader(node, place, leaf), node.operands[1 - place], partners, scale)
    return None


def _is_whole(network: Network, leaf: Node) -> bool:
    """Whether a parameter is read once, beside parts of it that stand for parts of the result."""
    parts = all(leaf in lineage(other) for other in network.overlapping(leaf))
    return leaf.whole is None and network.only_use(leaf) is not None and parts


def _is_read_by(network: Network, node: Node, leaf: Node) -> bool:
    """Whether a value is contracted with a parameter, or parts of it, and nothing else reads it."""
    read = (user.operands[1 - place] for user, place in network.uses(node) if len(user.operands) == 2)
    return all(leaf in lineage(other) for other in read if other.kind is not Kind.CONSTANT)


def _update(network: Network, base: _Map, rows: dict[Slot, Slot], term: Node) -> Update | None:
    """The factor, where a term is a product of two maps of what the weight reads."""
    outer = _map(network, term)
    inner = None if outer is None else _map(network, outer.value)
    if outer is None or inner is None or inner.value is not base.value or inner.columns.keys() != base.columns.keys():
        return None
    if not _is_read_by(network, outer.value, outer.reader.leaf):
        return None
    through, across = (m.reader.product.map(m.reader.place) for m in (outer, inner))
    stripped = _without_numbers(term, rows)
    if set(stripped) != set(through) or set(outer.columns) != set(_outer_slots(outer.value, across)):
        return None
    kept = _outer_slots(outer.value, across)  # the rank: slots of the value between, with those of the inner map
    return Update(
        f"{title(outer.reader.leaf)} {title(inner.reader.leaf)} into {title(base.reader.leaf)}",
        leaf_view(base.reader.leaf, n=tuple(stripped.values()), h=tuple(base.columns.values())),
        leaf_view(outer.reader.leaf, n=tuple(through[s] for s in stripped), h=tuple(outer.columns[s] for s in kept)),
        leaf_view(inner.reader.leaf, n=tuple(inner.columns[s] for s in base.columns), h=tuple(kept.values())),
        outer.scale * inner.scale,
    )


def _without_numbers(term: Node, slots: dict[Slot, Slot]) -> dict[Slot, Slot]:
    """Slots of a multiple as those of what is multiplied, with what they stand for."""
    while term.kind is Kind.PRODUCT and not term.sums():
        place = next(i for i, operand in enumerate(term.operands) if operand.kind is not Kind.CONSTANT)
        inner, term = term.map(place), term.operands[place]
        slots = {inner[slot]: own for slot, own in slots.items()}
    return slots


def _outer_slots(value: Node, across: dict[Slot, Slot]) -> dict[Slot, Slot]:
    """Slots of a map's product, followed out through the numbers that multiply it, with those of its parameter."""
    places = []
    while value.kind is Kind.PRODUCT and not value.sums():
        place = next(i for i, operand in enumerate(value.operands) if operand.kind is not Kind.CONSTANT)
        places.append((value, place))
        value = value.operands[place]
    for outer, place in reversed(places):
        back = outer.back(place)
        across = {back[slot]: own for slot, own in across.items()}
    return across
