"""Whether one measure predicts a target better than another."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .bootstrap import Resamples, percentile_interval, resampled
from .coefficient import CoefficientName, coefficient_named, order
from .sample import Sample


@dataclass(frozen=True)
class Difference:
    """A difference of correlations with a bootstrap interval.

    Args:
        value: the first less the second, or the strength of the first less that of the second.
        first: the one coefficient, with its sign.
        second: the other.
        low: lower end of the interval.
        high: upper end of the interval.
        n: number of models used.
        missing: number of models left out.
    """

    value: float
    first: float
    second: float
    low: float
    high: float
    n: int
    missing: int


def compare_correlations(
    first: Sequence[float],
    second: Sequence[float],
    targets: Sequence[float],
    *,
    coefficient: CoefficientName = "kendall",
    strengths: bool = False,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    generator: torch.Generator | None = None,
) -> Difference:
    r"""By how much one measure is better correlated with a target than another, over the same models.

    The difference :math:`c(x, y) - c(x', y)` with a percentile interval over the *same* resamples for both:
    two intervals that overlap do not say that measures are alike, since both move with the models drawn.

    A measure that falls where the target rises predicts it, too. Of ``strengths`` the difference is
    :math:`|c(x, y)| - |c(x', y)|`, where resamples keep the direction that each measure has over all models.

    Example:
        >>> gap = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
        >>> compare_correlations(
        ...     gap, [1.0, 2.0, 4.0, 3.0, 6.0, 5.0], gap, generator=torch.Generator().manual_seed(0)
        ... ).value
        0.266667

    Args:
        first: one measure.
        second: another, of the same models.
        targets: what they should predict.
        coefficient: ``kendall`` or ``spearman``.
        strengths: compare coefficients without their signs.
        groups: a label for every model; models that share one are drawn together.
        confidence: the probability that the interval is meant to have.
        resamples: number of bootstrap draws.
        generator: where they come from.

    Raises:
        ValueError: as :func:`correlate`.
        UndefinedStatisticError: as :func:`correlate`.
    """
    chosen = coefficient_named(coefficient)
    labels = range(len(first)) if groups is None else groups
    sample = Sample.of({"first": first, "second": second, "targets": targets}, groups=labels)
    draws = resampled(sample.labels(labels), resamples, generator)
    sample.require_varying("first", "second", "targets")
    pair = torch.stack([order(sample[name]) for name in ("first", "second")])
    target = order(sample["targets"])
    whole = chosen.resampled(pair, target, Resamples.once(len(sample)))  # (2, 1)
    signs = whole.sign() if strengths else torch.ones_like(whole)

    def difference(coefficients: Tensor) -> Tensor:
        signed = signs * coefficients
        return signed[0] - signed[1]

    low, high = percentile_interval(lambda some: difference(chosen.resampled(pair, target, some)), draws, confidence)
    apart, (one, other) = difference(whole).item(), whole.flatten().tolist()
    return Difference(apart, one, other, low, high, len(sample), sample.missing)
