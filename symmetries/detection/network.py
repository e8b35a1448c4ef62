"""The expression graph of a model, and how a change of one value spreads through it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import networkx as nx

from ..factor import EXACT, SOFTMAX
from .axes import Atom, Slot
from .expression import Kind, Node
from .parts import entries, overlap
from .reading import Expression

Use = tuple[Node, int]

_NONLINEAR = (Kind.RMS_NORM, Kind.RECTIFIER, Kind.FUNCTION, Kind.POOL, Kind.OPAQUE)


@dataclass(frozen=True)
class Network:
    """The nodes that the outputs depend on.

    Args:
        graph: an edge from every operand to every node that reads it, with the places where it does.
        outputs: the nodes whose values are the outputs.
        classes: the slots along which the first output is a vector of logits; empty where it is not.
    """

    graph: nx.DiGraph
    outputs: tuple[Node, ...]
    classes: frozenset[Slot]

    @classmethod
    def of(cls, expression: Expression, *, softmax: bool) -> "Network":
        """The part of an expression that reaches the outputs."""
        graph: nx.DiGraph = nx.DiGraph()
        todo = [value.node for value in expression.outputs]
        graph.add_nodes_from(todo)
        while todo:
            node = todo.pop()
            for operand in dict.fromkeys(node.operands):
                if operand not in graph:
                    todo.append(operand)
                places = tuple(i for i, other in enumerate(node.operands) if other is operand)
                graph.add_edge(operand, node, places=places)
        first = expression.outputs[0]
        classes = frozenset(first.slots([-1])) if softmax and first.axes else frozenset()
        return cls(graph, tuple(value.node for value in expression.outputs), classes)

    @cached_property
    def nodes(self) -> list[Node]:
        """Operands before the nodes that read them."""
        return list(nx.topological_sort(self.graph))

    @cached_property
    def leaves(self) -> list[Node]:
        """The parameters, and parts of parameters, that are read."""
        return [node for node in self.nodes if node.kind is Kind.LEAF]

    def uses(self, node: Node) -> list[Use]:
        """The nodes that read a node, each with one place; a node that reads it twice appears twice."""
        return [(reader, i) for reader in self.graph.successors(node) for i in self.graph.edges[node, reader]["places"]]

    def only_use(self, node: Node) -> Use | None:
        """The use of a node that is read once and is no output, else None."""
        uses = self.uses(node)
        return uses[0] if len(uses) == 1 and node not in self.outputs else None

    @cached_property
    def _by_name(self) -> dict[str, list[Node]]:
        table: dict[str, list[Node]] = {}
        for leaf in self.leaves:
            table.setdefault(leaf.name, []).append(leaf)
        return table

    @cached_property
    def _entries(self) -> dict[Node, tuple[frozenset[int], ...]]:
        return {}

    def _held(self, leaf: Node) -> tuple[frozenset[int], ...]:
        if leaf not in self._entries:
            self._entries[leaf] = entries(leaf)
        return self._entries[leaf]

    @cached_property
    def _overlaps(self) -> dict[Node, list[Node]]:
        return {}

    def overlapping(self, leaf: Node) -> list[Node]:
        """The other leaves that hold entries of the same parameter as this one."""
        if leaf not in self._overlaps:
            others = [other for other in self._by_name.get(leaf.name, []) if other is not leaf]
            own = self._held(leaf)
            self._overlaps[leaf] = [other for other in others if overlap(own, self._held(other))]
        return self._overlaps[leaf]

    def is_alone(self, leaf: Node) -> bool:
        """Whether no other leaf holds an entry of this one."""
        return not self.overlapping(leaf)

    def invisible(self, node: Node, constant: Iterable[Slot]) -> str | None:
        """Whether no output sees a change of a node that is constant along some slots and arbitrary along others.

        Returns:
            ``"exact"``; ``"softmax"`` when the logits change but not the probabilities; None when something sees it.
        """
        constant = frozenset(constant)
        verdicts = [self.ignored(use, constant) for use in self.uses(node)]
        verdicts += [self._at_output(node, constant)] if node in self.outputs else []
        return None if None in verdicts else SOFTMAX if SOFTMAX in verdicts else EXACT

    def ignored(self, use: Use, constant: frozenset[Slot]) -> str | None:
        """The same for a change of an operand that only one of its uses reads."""
        todo, seen, verdict = [(*use, constant)], set(), EXACT
        while todo:
            state = todo.pop()
            if state in seen:
                continue
            seen.add(state)
            node, place, constant = state
            if node.kind in (Kind.SOFTMAX, Kind.LAYER_NORM):
                if not (node.over and set(reader_over(node)) <= constant):
                    return None
                continue
            if node.kind in _NONLINEAR or (node.operands.count(node.operands[place]) > 1 and node.kind is not Kind.SUM):
                return None
            constant = constant_after(node, place, constant)
            if node in self.outputs:
                if self._at_output(node, constant) is None:
                    return None
                verdict = SOFTMAX
            todo += [(*further, constant) for further in self.uses(node)]
        return verdict

    def _at_output(self, node: Node, constant: frozenset[Slot]) -> str | None:
        is_head = node is self.outputs[0] and bool(self.classes) and self.classes <= constant
        return SOFTMAX if is_head else None


def reader_over(node: Node) -> tuple[Slot, ...]:
    """The operand's slots that a norm or softmax works on, resolved."""
    return tuple(child for slot in node.over for child in slot.resolved())


def constant_after(node: Node, place: int, constant: frozenset[Slot]) -> frozenset[Slot]:
    """Along which slots of a node a change is constant, when it is along some of an operand's."""
    inner = node.map(place)
    kept = {outer for outer, slot in inner.items() if slot in constant}
    broadcast = {slot for slot in node.free if slot not in inner}
    if node.kind in (Kind.SUM, Kind.MASK) or (is_stochastic(node, place) and set(node.summed(place)) <= constant):
        return frozenset(kept | broadcast)
    if node.kind in (Kind.PRODUCT, Kind.SELECTION):
        kept -= {slot for i in range(len(node.operands)) if i != place for slot in node.map(i)}
    return frozenset(kept)


def is_stochastic(node: Node, place: int) -> bool:
    """Whether every entry of a result is a weighted mean of entries of an operand, with weights that sum to one."""
    if node.kind is Kind.AVERAGE:
        return True
    if node.kind is Kind.SELECTION:
        return place == 1
    if node.kind is Kind.PRODUCT and len(node.operands) == 2:
        weights = node.operands[1 - place]
        summed = set(node.summed(1 - place))
        return (
            weights.kind is Kind.SOFTMAX
            and weights.name in ("_softmax", "_safe_softmax")
            and summed == {weights.back(0)[slot] for slot in reader_over(weights)}
        )
    return False


def times_number(node: Node) -> int | None:
    """The place of the operand that a node is a number times, or None."""
    if node.kind is not Kind.PRODUCT or node.sums() or len(node.operands) != 2:
        return None
    numbers = [i for i, operand in enumerate(node.operands) if operand.kind is Kind.CONSTANT and not operand.free]
    return 1 - numbers[0] if len(numbers) == 1 else None


def without_numbers(node: Node) -> Node:
    """A value without the numbers that multiply it."""
    while (place := times_number(node)) is not None:
        node = node.operands[place]
    return node


def atoms(slots: Iterable[Slot]) -> tuple[Atom, ...]:
    """The elementary atoms of resolved slots."""
    return tuple(slot.atom.root() for slot in slots)
