"""Which factor pairs share weights."""

from collections.abc import Sequence
from itertools import combinations

import networkx as nx
import torch

from .params import Shapes
from .symmetry import Symmetry


def coupled(pairs: Sequence[Symmetry], shapes: Shapes) -> tuple[tuple[Symmetry, ...], ...]:
    """Pairs that share entries of a parameter, directly or through others, together."""
    graph: nx.Graph = nx.Graph()
    by_name = {pair.name: pair for pair in pairs}
    graph.add_nodes_from(by_name)
    by_parameter: dict[str, list[Symmetry]] = {}
    for pair in pairs:
        for name in {view.parameter for view in pair.moved}:
            by_parameter.setdefault(name, []).append(pair)
    for name, sharing in by_parameter.items():
        for a, b in combinations(sharing, 2):
            if not graph.has_edge(a.name, b.name) and _overlap(a, b, name, shapes):
                graph.add_edge(a.name, b.name)
    order = {pair.name: i for i, pair in enumerate(pairs)}
    return tuple(
        tuple(by_name[name] for name in sorted(component, key=order.__getitem__))
        for component in nx.connected_components(graph)
    )


def _overlap(a: Symmetry, b: Symmetry, name: str, shapes: Shapes) -> bool:
    """Whether two pairs act on a common entry of one parameter."""
    seen = torch.zeros(shapes[name])  # floating point: complex views read no other
    for pair in (a, b):
        touched = {name: torch.zeros_like(seen)}
        for view in pair.moved:
            if view.parameter == name:
                value = view.read(touched)
                view.write_(touched, torch.ones_like(value) * (1 + 1j if view.is_complex else 1))
        seen += touched[name]
    return bool((seen == 2).any())
