"""The way to the canonical representative, step by step, with few parameters in double precision at a time."""

from collections.abc import Sequence

import networkx as nx
import torch
from torch import Tensor

from .balancing import balance_
from .factor import AbstractFactor
from .params import Params, Shapes
from .statistics import FixedStatistics, fold_, unfold_
from .symmetry import Symmetry

Step = AbstractFactor | tuple[Symmetry, ...]
"""A factor that moves to its section, or factor pairs that are balanced together."""


def in_passing(steps: Sequence[Step], shapes: Shapes) -> tuple[Step, ...]:
    """The steps in an order of the same result in which no parameter waits long between two of them: layer by layer.

    Steps that need a common parameter keep their order; of those that may be next, the one goes first that needs
    nothing far down in the model.
    """
    depth = {name: i for i, name in enumerate(shapes)}
    needed = [_needed(step) for step in steps]
    order: nx.DiGraph = nx.DiGraph()
    order.add_nodes_from(range(len(steps)))
    for name in shapes:
        nx.add_path(order, [i for i, names in enumerate(needed) if name in names])
    deepest = [max(depth[name] for name in names) for names in needed]
    return tuple(steps[i] for i in nx.lexicographical_topological_sort(order, key=deepest.__getitem__))


def settled(
    steps: Sequence[Step], params: Params, statistics: Sequence[FixedStatistics]
) -> tuple[Params, dict[str, Tensor]]:
    """Where the steps lead, with what none of them moves shared, and the group element that they make up.

    A parameter is in double precision from the first step that needs it to the last, and then rounded, once.
    """
    folded = {name for norm in statistics for name in (norm.gain, norm.shift)} & params.keys()
    moved = folded | {view.parameter for step in steps for factor in _factors(step) for view in factor.moved}
    last = {name: i for i, step in enumerate(steps) for name in _needed(step)}
    draft = {name: _double(params[name]) for name in folded}
    end = dict(params)
    element: dict[str, Tensor] = {}
    fold_(draft, statistics)
    for i, step in enumerate(steps):
        names = _needed(step)
        draft |= {name: _double(params[name]) for name in names - draft.keys()}
        element |= _take_(step, draft)
        over = [name for name in names - folded if last[name] == i]
        end |= {name: draft[name].to(params[name].dtype) for name in over if name in moved}
        for name in over:
            del draft[name]
    unfold_(draft, statistics)
    return end | {name: draft[name].to(params[name].dtype) for name in folded}, element


def _take_(step: Step, params: Params) -> dict[str, Tensor]:
    """Take a step, in place; the group elements that it took, by name."""
    if isinstance(step, tuple):
        return balance_(step, params)
    element = step.settle_(params)
    return {} if element is None else {step.name: element}


def _factors(step: Step) -> Sequence[AbstractFactor]:
    return step if isinstance(step, tuple) else (step,)


def _needed(step: Step) -> frozenset[str]:
    return frozenset().union(*(factor.parameters for factor in _factors(step)))


def _double(value: Tensor) -> Tensor:
    """A detached copy in double precision."""
    return value.detach().to(torch.promote_types(value.dtype, torch.float64), copy=True)
