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


def order(values: Tensor) -> Tensor:
    """The order of every pair, shape ``(n,)`` to ``(n, n)``: 1 where the first is larger, 0 where they tie."""
    return torch.sign(values.unsqueeze(1) - values)


def kendall(order_x: Tensor, order_y: Tensor, weights: Tensor) -> Tensor:
    """Tau-b for each row of weights, shape ``(r, n)`` to ``(r,)``; NaN where a variable is constant."""

    def over_pairs(table: Tensor) -> Tensor:
        return ((weights @ table) * weights).sum(dim=1)

    untied = over_pairs(order_x.abs()) * over_pairs(order_y.abs())
    return over_pairs(order_x * order_y) / untied.sqrt()


def centred_ranks(orders: Tensor, weights: Tensor) -> Tensor:
    """Twice the mean rank less its mean, shapes ``(..., n, n)`` and ``(r, n)`` to ``(..., r, n)``."""
    return weights @ orders.mT


def spearman(order_x: Tensor, order_y: Tensor, weights: Tensor) -> Tensor:
    """Spearman's rho for each row of weights, shape ``(r, n)`` to ``(r,)``; NaN where a variable is constant."""
    x, y = (centred_ranks(table, weights) for table in (order_x, order_y))
    variances = (weights * x * x).sum(dim=1) * (weights * y * y).sum(dim=1)
    return (weights * x * y).sum(dim=1) / variances.sqrt()


@dataclass(frozen=True)
class Coefficient:
    """A rank correlation coefficient: its symbol, its value over resamples, and scipy's test of the whole sample."""

    symbol: str
    resampled: Callable[[Tensor, Tensor, Tensor], Tensor]
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
