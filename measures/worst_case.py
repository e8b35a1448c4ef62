"""Worst-case sharpness: how much the loss can rise on a ball."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from torch import Tensor
from tqdm import tqdm

from quotient import AbstractGeometry, Coordinates, within_ball
from symmetries import Params, Tangent

from .arguments import require_positive
from .ascent import Ascent, auto_pgd, projected_ascent
from .local_loss import LocalLoss, around, carried
from .loss import EmpiricalLoss
from .sharpness import Sharpness

METHODS: Mapping[str, Ascent] = {"auto_pgd": auto_pgd, "ascent": projected_ascent}


def worst_case_sharpness(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry,
    *,
    radius: float,
    steps: int = 20,
    method: Literal["auto_pgd", "ascent"] = "auto_pgd",
    per_batch: bool = True,
    start: Tangent | None = None,
    progress: bool = False,
) -> Sharpness:
    r"""The largest rise of the loss found on the ball of the geometry, [daSilva2025] Eq. 4.

    .. math:: S(\theta) = \frac{1}{B} \sum_b \max \{ L_b(\exp_\theta \xi) - L_b(\theta) :
              \xi \text{ horizontal}, \|\xi\|_\theta \le r \}.

    Over ``Euclidean`` it is standard, over ``Adaptive`` adaptive sharpness [Andriushchenko2023]; over a
    quotient it is geodesic sharpness. The ascent runs in orthonormal coordinates and uses nothing but inner
    products there, so the number found, and not only the maximum it approaches, is invariant where the
    geometry is. It is a lower bound of the maximum, and at least 0.

    A point at which the gradient is zero stays where it is. There a ``start`` is needed, and a warning says
    so.

    Example:
        >>> import torch
        >>> from quotient import Euclidean
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: 0.5 * f(x).square().sum(), [torch.tensor([[3.0, 4.0]])])
        >>> params = {"weight": torch.tensor([[0.6, 0.8]])}  # f = 5 here, and 10 at distance 1
        >>> worst_case_sharpness(loss, params, Euclidean(), radius=1.0).value
        37.5

    Args:
        loss: L.
        params: the point; the ascent starts from its representative in the geometry.
        geometry: what the ball is.
        radius: r.
        steps: steps of the ascent, one gradient each.
        method: ``"auto_pgd"``, or ``"ascent"`` with steps of one length; see ``measures/ascent.py``.
        per_batch: the maximum for every batch by itself, then the mean (the protocol of the literature),
            rather than one maximum of the mean loss.
        start: where the ascent begins, a tangent at ``params``; by default at the point.
        progress: show a bar over the batches.

    Raises:
        ValueError: a radius or a number of steps that is not positive, an unknown method, or a loss that is
            not finite.
    """
    require_positive(radius=radius, steps=steps)
    if method not in METHODS:
        raise ValueError(f"method must be one of {list(METHODS)}, got {method!r}")
    chart = around(loss, params, geometry).chart
    first = chart.zeros() if start is None else within_ball(carried(start, params, geometry, chart), radius)
    rises, moved = [], False
    for part in tqdm(loss.parts() if per_batch else (loss,), desc="worst case", disable=not progress):
        function = LocalLoss(part, chart)
        visited = climbed(METHODS[method], function, first, radius, steps)
        base = visited[0] if start is None else function(chart.zeros())
        rises.append((visited.max() - base).clamp_min(0).item())
        moved = moved or bool((visited != visited[0]).any())
    if not moved:
        warnings.warn("the gradient is zero where the ascent starts, it did not move; pass start=...", stacklevel=2)
    return Sharpness(sum(rises) / len(rises), per_batch=tuple(rises))


def climbed(ascent: Ascent, function: LocalLoss, start: Coordinates, radius: float, steps: int) -> Tensor:
    """The values along an ascent, looked at once it is over; one that went wrong is gone again, to tell where.

    Raises:
        ValueError: a loss or a gradient that is not finite.
    """
    visited = ascent(replace(function, chart=function.chart.within(radius), checked=False), start, radius, steps)
    return visited if bool(visited.isfinite().all()) else ascent(function, start, radius, steps)
