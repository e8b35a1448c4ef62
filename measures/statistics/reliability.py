"""How far a measure agrees with itself when it is measured again."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import f as fisher
from scipy.stats import kendalltau

from .undefined import UndefinedStatisticError

ROUNDING = 1e-28
"""Mean squares below this part of the mean square value are squares of rounding errors."""


@dataclass(frozen=True)
class Reliability:
    """Re-test reliability of a measure.

    Args:
        value: the intraclass correlation: the share of the variance of one measurement that lies between models.
        low: lower end of its interval.
        high: upper end.
        tau: Kendall's tau-b between two repeats, in the mean over pairs of repeats; NaN where one is constant. A
            measure is hardly correlated with a target better than with itself.
        n: number of models used.
        repeats: measurements of each.
        missing: number of models left out, because a repeat was NaN.
    """

    value: float
    low: float
    high: float
    tau: float
    n: int
    repeats: int
    missing: int


def reliability(measurements: Sequence[Sequence[float]], *, shared: bool, confidence: float = 0.95) -> Reliability:
    r"""The intraclass correlation of repeated measurements of models [ShroutFleiss1979], with its exact interval.

    With n models, k repeats and the mean squares between models, B, and the error,

    .. math:: \mathrm{ICC} = \frac{B - E}{B + (k - 1) E},

    where E is the mean square within models if every measurement has draws of its own, case (1,1); and what is
    left beside models and repeats if repeat r uses the same examples and probes for all models, case (3,1): an
    offset that a repeat gives to every model changes no order. The interval is that of normal variables.

    Example:
        >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
        >>> round(reliability(ratings, shared=False).value, 2), round(reliability(ratings, shared=True).value, 2)
        (0.17, 0.71)

    Args:
        measurements: for every model its repeats.
        shared: whether a repeat shares its random draws over models.
        confidence: the probability that the interval is meant to have.

    Raises:
        ValueError: models with unequal numbers of repeats, or a confidence outside (0, 1).
        UndefinedStatisticError: fewer than two models or repeats, or measurements that do not vary.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    counts = {len(row) for row in measurements}
    if len(counts) > 1:
        raise ValueError(f"expected equally many repeats of every model, got {sorted(counts)}")
    everything = np.array(measurements, dtype=float).reshape(len(measurements), max(counts, default=0))
    table = everything[~np.isnan(everything).any(axis=1)]
    n, k = table.shape
    if n < 2 or k < 2:
        raise UndefinedStatisticError(f"reliability needs two models and two repeats, got {n} and {k}")
    between = k * table.mean(axis=1).var(ddof=1)
    residual = table - table.mean(axis=1, keepdims=True)
    freedom = n * (k - 1)
    if shared:
        residual = residual - residual.mean(axis=0)
        freedom = (n - 1) * (k - 1)
    error = (residual**2).sum() / freedom
    if between + error <= ROUNDING * (table**2).mean():
        raise UndefinedStatisticError(f"the measurements of {n} models do not vary, so no share lies between models")
    tail = (1 - confidence) / 2
    low = intraclass(between, error * fisher.isf(tail, n - 1, freedom), k)
    high = intraclass(between, error / fisher.isf(tail, freedom, n - 1), k)
    taus = [kendalltau(table[:, i], table[:, j]).statistic for i, j in combinations(range(k), 2)]
    tau = float(np.mean(taus))
    return Reliability(intraclass(between, error, k), low, high, tau, n, k, len(everything) - n)


def intraclass(between: float, error: float, repeats: int) -> float:
    """The intraclass correlation of two mean squares."""
    return float((between - error) / (between + (repeats - 1) * error))
