r"""Rank correlation coefficients of weighted models, from the orders of pairs alone.

With the orders :math:`s^x_{ij} = \mathrm{sign}(x_i - x_j)` and weights w (how often each model was drawn),

.. math::
    \tau_b = \frac{\sum_{ij} w_i w_j s^x_{ij} s^y_{ij}}{\sqrt{\sum w_i w_j |s^x_{ij}|\ \sum w_i w_j |s^y_{ij}|}},
    \qquad
    \rho = \frac{\sum_i w_i r^x_i r^y_i}{\sqrt{\sum w_i (r^x_i)^2\ \sum w_i (r^y_i)^2}},
    \quad r^x_i = \sum_j w_j s^x_{ij}.

The second is Spearman's: :math:`r^x` is twice the mean rank in the resample, less its mean, which is zero since the
orders are antisymmetric. So a resample needs no sorting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from scipy.stats import kendalltau, spearmanr
from torch import Tensor

from .bootstrap import Resamples


def order(values: Tensor) -> Tensor:
    """The order of every pair, shape ``(n,)`` to ``(n, n)``: 1 where the first is larger, 0 where they tie."""
    return torch.sign(values.unsqueeze(1) - values)


def kendall(orders_x: Tensor, order_y: Tensor, resamples: Resamples) -> Tensor:
    """Tau-b in each of r resamples, shapes ``(..., n, n)`` and ``(n, n)`` to ``(..., r)``; NaN for a constant."""
    concordance, untied = resamples.over_pairs(torch.stack([orders_x * order_y, orders_x.abs()]))
    return concordance / (untied * resamples.over_pairs(order_y.abs())).sqrt()


def centred_ranks(orders: Tensor, resamples: Resamples) -> Tensor:
    """Twice the mean rank in each of r resamples, less its mean, shape ``(..., n, n)`` to ``(..., r, n)``."""
    return resamples.over_models(orders.mT)


def spearman(orders_x: Tensor, order_y: Tensor, resamples: Resamples) -> Tensor:
    """Spearman's rho in each of r resamples, shapes as for :func:`kendall`."""
    x, y = (centred_ranks(table, resamples) for table in (orders_x, order_y))
    weights = resamples.weights
    variances = (weights * x * x).sum(dim=-1) * (weights * y * y).sum(dim=-1)
    return (weights * x * y).sum(dim=-1) / variances.sqrt()


@dataclass(frozen=True)
class Coefficient:
    """A rank correlation coefficient: its symbol, its value over resamples, and scipy's test of the whole sample."""

    symbol: str
    resampled: Callable[[Tensor, Tensor, Resamples], Tensor]
    tested: Callable[..., Any]


CoefficientName = Literal["kendall", "spearman"]

COEFFICIENTS = {
    "kendall": Coefficient("tau", kendall, kendalltau),
    "spearman": Coefficient("rho", spearman, spearmanr),
}


def coefficient_named(name: str) -> Coefficient:
    """The coefficient of a name.

    Raises:
        ValueError: a name that is none.
    """
    if name not in COEFFICIENTS:
        raise ValueError(f"coefficient must be one of {', '.join(map(repr, COEFFICIENTS))}, got {name!r}")
    return COEFFICIENTS[name]
