r"""Balancing factor pairs that share weights: the point of least norm on their orbit."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .params import Params
from .stacks import gram
from .symmetry import Symmetry

#: Gram matrices of a balanced pair agree to this, relative: some hundred units in the last place of double precision.
BALANCED = 1e-13

#: Alternating balancing converges geometrically; a net of ten ReLU layers takes about a hundred sweeps.
SWEEPS = 2_000


def balance_(pairs: Sequence[Symmetry], params: Params) -> dict[str, Tensor]:
    r"""Balance all pairs of one component, in place; the group elements that do it, by pair name.

    The squared norm :math:`\sum \|W\|_F^2` over an orbit has one minimum up to unitary elements (a theorem of Kempf and
    Ness, [Kempf1979]), and is there exactly where every pair is balanced, :math:`G^{H} G = H^{H} H`. A pair alone is
    balanced in closed form. Pairs that share weights are balanced in turn until all are: every step lowers the norm.

    Copies that lack full rank stay where they are.
    """
    element: dict[str, Tensor] = {}
    for name, change in _changes(pairs, params):
        element[name] = change @ element[name] if name in element else change
    return element


def _changes(pairs: Sequence[Symmetry], params: Params) -> Iterator[tuple[str, Tensor]]:
    """The steps as they are taken: the name of a pair, and the element that moved it."""
    for _ in range(SWEEPS if len(pairs) > 1 else 0):
        still = True
        for pair in pairs:
            change = pair.section(params)
            if change is not None and _moves(change, imbalance(pair, params)):
                pair.act_(change, params)
                still = False
                yield pair.name, change
        if still:
            break
    for pair in pairs:  # signs and the order of singular values, once all Gram matrices stand still
        change = pair.settle_(params)
        if change is not None:
            yield pair.name, change


def _moves(step: Tensor, gaps: Tensor) -> bool:
    """Whether any copy that is not balanced is moved by ``step``."""
    moved = (step != torch.eye(step.shape[-1], dtype=step.dtype)).flatten(1).any(1)
    return bool((moved & (gaps > BALANCED)).any())


def imbalance(pair: Symmetry, params: Params) -> Tensor:
    r"""For every copy, :math:`\|S - T\| / (\|S\| + \|T\|)` of its Gram matrices: 0 where balanced, at most 1."""
    s, t = map(gram, pair.weighted(params))
    size = torch.linalg.matrix_norm(s) + torch.linalg.matrix_norm(t)
    return (torch.linalg.matrix_norm(s - t) / torch.where(size > 0, size, 1.0)).cpu()
