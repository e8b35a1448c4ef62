"""Resampling whole configurations."""

from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

from ..arguments import require_positive
from .undefined import UndefinedStatisticError

CHUNK = 256
"""Resamples worked on at once, so that memory does not grow with their number."""


def membership(labels: Sequence[Hashable]) -> Tensor:
    """One row for every label, in the order of first sight, with ones at its models: shape ``(groups, n)``."""
    rows = {label: row for row, label in enumerate(dict.fromkeys(labels))}
    table = torch.zeros(len(rows), len(labels), dtype=torch.float64)
    table[[rows[label] for label in labels], range(len(labels))] = 1.0
    return table


def resampled_weights(labels: Sequence[Hashable], resamples: int, generator: torch.Generator | None) -> Tensor:
    """How often each model occurs when whole groups are drawn with replacement, shape ``(resamples, n)``.

    Raises:
        ValueError: no resamples.
        UndefinedStatisticError: fewer than three groups.
    """
    require_positive(resamples=resamples)
    groups = membership(labels)
    if len(groups) < 3:
        raise UndefinedStatisticError(
            f"a bootstrap needs at least 3 models or groups in which nothing is missing, got {len(groups)}"
        )
    chosen = torch.randint(len(groups), (resamples, len(groups)), generator=generator)
    counts = torch.zeros(resamples, len(groups), dtype=torch.float64)
    return counts.scatter_add_(1, chosen, torch.ones_like(counts)) @ groups


def percentile_interval(
    statistic: Callable[[Tensor], Tensor], weights: Tensor, confidence: float
) -> tuple[float, float]:
    """Percentiles of a statistic over resamples [Efron1993] Chapter 13, those that have none left out.

    Args:
        statistic: from weights, shape ``(r, n)``, to shape ``(r,)``, NaN where it is not defined.
        weights: shape ``(resamples, n)``.
        confidence: the probability that the interval is meant to have.

    Raises:
        ValueError: a confidence outside (0, 1).
        UndefinedStatisticError: a statistic that no resample defines.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    values = torch.cat([statistic(chunk) for chunk in weights.split(CHUNK)])
    defined = values[~values.isnan()]
    if not len(defined):
        raise UndefinedStatisticError(
            f"the statistic is defined in none of {len(weights)} resamples, the values are nearly constant; take more"
        )
    ends = torch.tensor([(1 - confidence) / 2, (1 + confidence) / 2], dtype=torch.float64)
    low, high = defined.quantile(ends).tolist()
    return low, high
