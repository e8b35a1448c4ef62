"""The order in which sections are taken."""

from collections.abc import Iterable

import networkx as nx

from .absorption import AbstractAbsorption
from .factor import AbstractFactor
from .symmetry import Symmetry


def section_order(factors: Iterable[AbstractFactor]) -> list[AbstractFactor]:
    """Absorptions by stage, then pairs, then the rest; within a stage what moves another's pins goes before it.

    A norm's shift, for instance, folds into a value bias, which then folds into the output bias.
    """
    factors = list(factors)

    def stage(factor: AbstractFactor) -> int:
        return factor.stage if isinstance(factor, AbstractAbsorption) else 100 + (not isinstance(factor, Symmetry))

    ordered: list[AbstractFactor] = []
    for level in sorted({stage(factor) for factor in factors}):
        same = {factor.name: factor for factor in factors if stage(factor) == level}
        graph: nx.DiGraph = nx.DiGraph()
        graph.add_nodes_from(same)
        for a in same.values():
            for b in same.values():
                if a is not b and isinstance(a, AbstractAbsorption) and isinstance(b, AbstractAbsorption):
                    moved, own, pinned = ({view.parameter for view in views} for views in (a.moved, a.pins, b.pins))
                    if pinned & (moved - own):
                        graph.add_edge(a.name, b.name)
        cyclic = not nx.is_directed_acyclic_graph(graph)
        names = list(same) if cyclic else list(nx.lexicographical_topological_sort(graph, key=list(same).index))
        ordered += [same[name] for name in names]
    return ordered
