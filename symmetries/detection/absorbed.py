"""Where a constant goes that is added to a value."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..factor import EXACT, SOFTMAX
from .axes import Slot
from .expression import Kind, Node
from .network import Network, is_stochastic
from .norms import Reader

State = tuple[Node, tuple[Slot, ...]]


class Visible(Exception):
    """Something that takes nothing back sees the constant."""


@dataclass(frozen=True)
class Absorbed:
    """What takes a constant back.

    Args:
        readers: maps that read it, each with its bias and its slots along the constant's axis.
        opposite: leaves that are added beside it.
        flag: ``"softmax"`` where the logits change, but not the probabilities.
    """

    readers: tuple[tuple[Reader, Node, tuple[Slot, ...]], ...]
    opposite: tuple[Node, ...]
    flag: str


def absorbed(network: Network, node: Node, slots: tuple[Slot, ...]) -> Absorbed | None:
    """Follow a constant to everything that takes it back; None if something else sees it.

    Args:
        network: the expression graph.
        node: the value it is added to.
        slots: the axis along which its entries differ; empty for one number that is added everywhere.
    """
    start, todo, seen, flag = (node, slots), [(node, slots)], set(), EXACT
    readers: list[tuple[Reader, Node, tuple[Slot, ...]]] = []
    opposite: dict[Node, None] = {}
    try:
        while todo:
            state = todo.pop()
            if state in seen:
                continue
            seen.add(state)
            if state[0] in network.outputs:
                return None
            for user, place in network.uses(state[0]):
                verdict = network.ignored((user, place), frozenset(state[0].free) - set(state[1]))
                if verdict == EXACT or (verdict == SOFTMAX and state == start and len(network.uses(node)) > 1):
                    flag = verdict if verdict == SOFTMAX else flag  # a tied embedding, read by the head
                    continue
                if user.kind is Kind.PRODUCT and any(user.operands[i].kind is Kind.LEAF for i in _others(user, place)):
                    readers += _read(network, user, place, state[1])
                    continue
                outer = _carried(user, place, state[1])
                beside = _beside(network, user, place, outer) if user.kind is Kind.SUM else ()
                opposite |= dict.fromkeys(beside)
                todo += [] if beside else [(user, outer)]
    except Visible:
        return None
    return Absorbed(tuple(readers), tuple(opposite), flag)


def _others(node: Node, place: int) -> Iterator[int]:
    return (i for i in range(len(node.operands)) if i != place)


def _read(
    network: Network, user: Node, place: int, slots: tuple[Slot, ...]
) -> list[tuple[Reader, Node, tuple[Slot, ...]]]:
    """A map that reads the constant into a bias."""
    reader = Reader(user, 1 - place, user.operands[1 - place])
    partners = tuple(partner for partner in map(user.summed(place).get, slots) if partner is not None)
    if not slots or len(partners) < len(slots) or "padded" in user.name:
        raise Visible
    bias = reader.bias(network)
    if bias is None or not network.is_alone(bias):
        raise Visible
    return [(reader, bias, partners)]


def _carried(user: Node, place: int, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """The axis in a result that holds the same constant."""
    back = user.back(place)
    if any(slot not in back for slot in slots):
        raise Visible
    if user.kind not in (Kind.SUM, Kind.POOL) and not is_stochastic(user, place):
        raise Visible
    return tuple(back[slot] for slot in slots)


def _beside(network: Network, node: Node, place: int, slots: tuple[Slot, ...]) -> tuple[Node, ...]:
    """Leaves in the other terms of a sum that can take a constant back."""
    for i in _others(node, place):
        inner = node.map(i)
        if all(slot in inner for slot in slots):
            found = providers(network, node.operands[i], tuple(inner[slot] for slot in slots))
            if found:
                return found
    return ()


def providers(network: Network, node: Node, slots: tuple[Slot, ...]) -> tuple[Node, ...]:
    """Leaves that together add a constant to a value that is read once: one, or one for every part of a join."""
    if network.only_use(node) is None:
        return ()
    if node.kind is Kind.LEAF:
        return (node,) if network.is_alone(node) else ()
    found: list[tuple[Node, ...]] = []
    for i, operand in enumerate(node.operands):
        inner = node.map(i)
        carries = node.kind in (Kind.SUM, Kind.JOIN) or is_stochastic(node, i)
        if carries and all(slot in inner for slot in slots):
            found.append(providers(network, operand, tuple(inner[slot] for slot in slots)))
    if node.kind is Kind.JOIN:
        complete = all(found) and len(found) == len(node.operands)
        return tuple(leaf for leaves in found for leaf in leaves) if complete else ()
    return next((leaves for leaves in found if leaves), ())
