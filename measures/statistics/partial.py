"""What is left of a correlation when covariates are held fixed."""

import math
from collections.abc import Hashable, Mapping, Sequence

import torch
from scipy.stats import t as student
from torch import Tensor

from .bootstrap import Resamples, percentile_interval, resampled
from .coefficient import centred_ranks, order
from .correlation import Correlation
from .sample import Sample
from .undefined import UndefinedStatisticError

EXPLAINED = 1e-10
"""A residual variance below this part of the variance is rounding: ranks are integers, their sums exact to 1e-15."""


def partial_correlation(
    sharpness: Sequence[float],
    targets: Sequence[float],
    covariates: Mapping[str, Sequence[float]],
    *,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    generator: torch.Generator | None = None,
) -> Correlation:
    r"""Spearman's partial rank correlation of a measure and a target, covariates held fixed.

    .. math:: \rho_{xy \cdot z} = \frac{R_{xy}}{\sqrt{R_{xx} R_{yy}}}, \qquad
              R = \Sigma_{(xy)(xy)} - \Sigma_{(xy)z}\, \Sigma_{zz}^{+}\, \Sigma_{z(xy)},

    with :math:`\Sigma` the covariance of mean ranks: the correlation of what a linear regression of the ranks on
    the ranks of the covariates leaves over. A covariate that is constant, or a combination of others, holds
    nothing further fixed and changes nothing. The interval is that of :func:`measures.correlate`.

    Kendall's coefficient has a partial form too, but it does not vanish when the covariate explains everything:
    for normal variables with :math:`r_{xz} = r_{yz} = 0.8` and :math:`r_{xy} = 0.64`, where the partial
    correlation is 0, it is 0.14, and this one 0.01.

    Example:
        >>> rate = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0]
        >>> sharpness = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
        >>> gap = [3.0, 2.0, 1.0, 6.0, 5.0, 4.0, 9.0, 8.0, 7.0]  # rises with the rate, falls with sharpness
        >>> partial_correlation(sharpness, gap, {"learning rate": rate}).value
        -1.0

    Args:
        sharpness: one value for every model.
        targets: what it should predict, in the same order.
        covariates: what to hold fixed, by name, such as the learning rate and the training loss.
        groups: a label for every model; models that share one are drawn together.
        confidence: the probability that the interval is meant to have.
        resamples: number of bootstrap draws.
        generator: where they come from.

    Raises:
        ValueError: as :func:`measures.correlate`.
        UndefinedStatisticError: fewer than three groups, no degree of freedom left, or a measure or target that is
            constant or wholly explained by the covariates.
    """
    labels = range(len(sharpness)) if groups is None else groups
    sample = Sample.of({"sharpness": sharpness, "targets": targets, **covariates}, groups=labels)
    draws = resampled(sample.labels(labels), resamples, generator)
    sample.require_varying("sharpness", "targets")
    orders = torch.stack([order(values) for values in sample.columns.values()])
    once = Resamples.once(len(sample))
    value = partial(orders, once).item()
    freedom = len(sample) - 2 - int(torch.linalg.matrix_rank(centred_ranks(orders[2:], once).squeeze(1)))
    if freedom < 1 or math.isnan(value):
        raise UndefinedStatisticError(
            f"the covariates {', '.join(covariates)} explain the ranks of sharpness or targets wholly over "
            f"{len(sample)} models; hold fewer fixed"
        )
    low, high = percentile_interval(lambda some: partial(orders, some), draws, confidence)
    statistic = abs(value) * (freedom / max(1 - value**2, EXPLAINED)) ** 0.5
    p_value = 2 * float(student.sf(statistic, freedom))
    return Correlation(value, low, high, p_value, len(sample), sample.missing, "partial rho")


def partial(orders: Tensor, resamples: Resamples) -> Tensor:
    """The partial coefficient of the first two of k variables, NaN where it is not defined.

    Args:
        orders: shape ``(k, n, n)``.
        resamples: r of them.

    Returns:
        Shape ``(r,)``.
    """
    ranks = centred_ranks(orders, resamples).transpose(0, 1)  # (r, k, n)
    covariance = (ranks * resamples.weights.unsqueeze(1)) @ ranks.mT
    pair, cross, held = covariance[:, :2, :2], covariance[:, :2, 2:], covariance[:, 2:, 2:]
    if held.shape[1]:
        residual = pair - cross @ torch.linalg.pinv(held, hermitian=True, rtol=EXPLAINED) @ cross.mT
    else:
        residual = pair
    left = residual.diagonal(dim1=1, dim2=2)
    defined = (left > EXPLAINED * pair.diagonal(dim1=1, dim2=2)).all(dim=1)
    coefficient = residual[:, 0, 1] / left.prod(dim=1).sqrt()
    return torch.where(defined, coefficient.clamp(-1.0, 1.0), torch.nan)
