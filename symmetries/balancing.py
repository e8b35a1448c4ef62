r"""Balancing factor pairs that share weights: the point of least norm on their orbit."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .params import Params
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

    def step(pair: Symmetry, *, only_if_needed: bool) -> bool:
        change = pair.section(params)
        if change is None or (only_if_needed and not _moves(change, imbalance(pair, params))):
            return False
        element[pair.name] = change @ element[pair.name] if pair.name in element else change
        pair.act_(change, params)
        return True

    for _ in range(SWEEPS if len(pairs) > 1 else 0):
        moved = [step(pair, only_if_needed=True) for pair in pairs]
        if not any(moved):
            break
    for pair in pairs:  # signs and the order of singular values, once all Gram matrices stand still
        step(pair, only_if_needed=False)
    return element


def _moves(step: Tensor, gaps: Tensor) -> bool:
    """Whether any copy that is not balanced is moved by ``step``."""
    moved = (step != torch.eye(step.shape[-1], dtype=step.dtype)).flatten(1).any(1)
    return bool((moved & (gaps > BALANCED)).any())


def imbalance(pair: Symmetry, params: Params) -> Tensor:
    r"""For every copy, :math:`\|S - T\| / (\|S\| + \|T\|)` of its Gram matrices: 0 where balanced, at most 1."""
    standard, dual = (matrix.to(pair.group.dtype) for matrix in pair.weighted(params))
    s, t = standard.mH @ standard, dual.mH @ dual
    size = torch.linalg.matrix_norm(s) + torch.linalg.matrix_norm(t)
    return (torch.linalg.matrix_norm(s - t) / torch.where(size > 0, size, 1.0)).cpu()
