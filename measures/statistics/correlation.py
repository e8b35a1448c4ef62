"""How a measure orders models, against how a target orders them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch

from .bootstrap import percentile_interval, resampled
from .coefficient import CoefficientName, coefficient_named, order
from .sample import Sample


@dataclass(frozen=True)
class Correlation:
    """A rank correlation with a bootstrap interval.

    Args:
        value: the coefficient.
        low: lower end of the interval.
        high: upper end of the interval.
        p_value: two-sided, of independence between models; it takes no account of groups, the interval does.
        n: number of models used.
        missing: number of models left out, because a value was NaN.
        symbol: of the coefficient: ``tau``, ``rho``, or ``partial rho``.
    """

    value: float
    low: float
    high: float
    p_value: float
    n: int
    missing: int
    symbol: str = "tau"

    @property
    def tau(self) -> float:
        """The coefficient, where it is Kendall's."""
        if self.symbol != "tau":
            raise AttributeError(f"this correlation is {self.symbol}, not tau: its value is .value")
        return self.value

    def __str__(self) -> str:
        interval = f"[{self.low:.3f}, {self.high:.3f}]"
        return f"{self.symbol} = {self.value:.3f} {interval}, n = {self.n}, {self.missing} missing"


def correlate(
    sharpness: Sequence[float],
    targets: Sequence[float],
    *,
    coefficient: CoefficientName = "kendall",
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    generator: torch.Generator | None = None,
) -> Correlation:
    r"""The rank correlation between a measure and a target over models, with a bootstrap interval.

    .. math:: \tau_b = \frac{\sum_{i<j} \mathrm{sign}(x_i - x_j)\, \mathrm{sign}(y_i - y_j)}
              {\sqrt{\#\{i<j : x_i \ne x_j\}\ \#\{i<j : y_i \ne y_j\}}}

    [Kendall1938], with the correction for ties of [Kendall1945]; or :math:`\rho`, the correlation of mean ranks
    [Spearman1904]. The interval holds percentiles of the bootstrap distribution [Efron1993]: models are drawn
    with replacement, or whole ``groups`` of them, such as the seeds of one configuration, which are not
    independent: for noise over 12 configurations of 3 seeds, whose noise was 0.3 of that between configurations,
    intervals over models covered 0 in 77 % of 500 repeats, those over configurations in 95 %. Resamples in which
    a variable is constant have no coefficient and are left out.

    A NaN, in either sequence, is a missing model: left out of the pair and counted.

    Example:
        >>> result = correlate([1.0, 2.0, 3.0, 4.0, 5.0], [0.1, 0.2, 0.4, 0.3, 0.5])
        >>> round(result.tau, 6), result.n
        (0.8, 5)
        >>> correlate([1.0, 2.0, 3.0, 4.0, 5.0], [0.1, 0.2, 0.4, 0.3, 0.5], coefficient="spearman").value
        0.9

    Args:
        sharpness: one value for every model.
        targets: what it should predict, in the same order, such as generalization gaps.
        coefficient: ``kendall`` or ``spearman``.
        groups: a label for every model; models that share one are drawn together.
        confidence: the probability that the interval is meant to have.
        resamples: number of bootstrap draws.
        generator: where they come from.

    Raises:
        ValueError: sequences of unequal lengths, infinite values, another coefficient, a confidence outside
            (0, 1), or no resamples.
        UndefinedStatisticError: fewer than three models (or groups) that are not missing, or a constant sequence.
    """
    chosen = coefficient_named(coefficient)
    labels = range(len(sharpness)) if groups is None else groups
    sample = Sample.of({"sharpness": sharpness, "targets": targets}, groups=labels)
    draws = resampled(sample.labels(labels), resamples, generator)
    sample.require_varying("sharpness", "targets")
    x, y = sample["sharpness"], sample["targets"]
    orders = order(x), order(y)
    low, high = percentile_interval(lambda some: chosen.resampled(*orders, some), draws, confidence)
    exact = chosen.tested(x.numpy(), y.numpy())
    return Correlation(
        float(exact.statistic), low, high, float(exact.pvalue), len(sample), sample.missing, chosen.symbol
    )
