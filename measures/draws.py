"""Random horizontal directions, and their standard errors."""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from quotient import AbstractChart, AbstractGeometry, Coordinates
from symmetries import Params, Tangent

from .local_loss import carried


def draws(
    params: Params,
    geometry: AbstractGeometry,
    chart: AbstractChart,
    count: int,
    *,
    generator: torch.Generator | None,
    directions: Sequence[Tangent] | None,
    progress: str | None,
) -> Iterator[Coordinates]:
    """Standard normal horizontal vectors at the representative, or the given tangents at ``params`` carried there.

    Args:
        params: the point that was asked about.
        geometry: what is horizontal.
        chart: the chart at the representative of ``params``.
        count: how many to draw.
        generator: where draws come from.
        directions: what to use in place of draws.
        progress: what to call the bar; None shows none.

    Raises:
        ValueError: no directions.
    """
    if directions is not None and not len(directions):
        raise ValueError("directions must hold at least one tangent, got none; leave it out to draw some")
    total = count if directions is None else len(directions)
    for i in tqdm(range(total), desc=progress, disable=progress is None):
        if directions is None:
            yield chart.random(generator)
        else:
            yield carried(directions[i], params, geometry, chart)


def standard_error(samples: Tensor) -> float | None:
    """The standard error of the mean of independent samples, shape ``(n,)``; None for a single one."""
    return (samples.std() / math.sqrt(len(samples))).item() if len(samples) > 1 else None


def jackknife(statistic: Callable[[Tensor], Tensor], samples: Tensor) -> Tensor | None:
    r"""The jackknife standard error of a statistic of independent samples [Efron1993] Chapter 11.

    .. math:: \Big( \frac{n-1}{n} \sum_i (s_{(i)} - \bar s)^2 \Big)^{1/2}, \qquad s_{(i)} = s(\text{all but sample } i).

    Args:
        statistic: from samples, shape ``(n, ...)``, to a tensor.
        samples: shape ``(n, ...)``.

    Returns:
        The shape of the statistic; None for a single sample.
    """
    n = len(samples)
    if n < 2:
        return None
    left_out = torch.stack([statistic(torch.cat([samples[:i], samples[i + 1 :]])) for i in range(n)])
    return ((n - 1) / n * (left_out - left_out.mean(dim=0)).square().sum(dim=0)).sqrt()
