"""How a measure orders models, against how a target orders them."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from scipy.stats import kendalltau
from torch import Tensor

from .arguments import require_positive


@dataclass(frozen=True)
class Correlation:
    """Kendall's tau-b with a bootstrap interval.

    Args:
        tau: the coefficient.
        low: lower end of the interval.
        high: upper end of the interval.
        p_value: two-sided, of independence between models; it takes no account of groups, the interval does.
        n: number of models used.
        missing: number of models left out, because a value was NaN.
    """

    tau: float
    low: float
    high: float
    p_value: float
    n: int
    missing: int

    def __str__(self) -> str:
        return f"tau = {self.tau:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.n}, {self.missing} missing"


def correlate(
    sharpness: Sequence[float],
    targets: Sequence[float],
    *,
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    generator: torch.Generator | None = None,
) -> Correlation:
    r"""Kendall's rank correlation between a measure and a target over models, with a bootstrap interval.

    .. math:: \tau_b = \frac{\sum_{i<j} \mathrm{sign}(x_i - x_j)\, \mathrm{sign}(y_i - y_j)}
              {\sqrt{\#\{i<j : x_i \ne x_j\}\ \#\{i<j : y_i \ne y_j\}}}

    [Kendall1938], with the correction for ties of [Kendall1945]. The interval holds percentiles of the
    bootstrap distribution [Efron1993]: models are drawn with replacement, or whole ``groups`` of them, such
    as the seeds of one configuration, which are not independent. Resamples in which a variable is constant
    have no tau and are left out.

    A NaN, in either sequence, is a missing model: left out of the pair and counted.

    Example:
        >>> result = correlate([1.0, 2.0, 3.0, 4.0, 5.0], [0.1, 0.2, 0.4, 0.3, 0.5])
        >>> round(result.tau, 6), result.n
        (0.8, 5)

    Args:
        sharpness: one value for every model.
        targets: what it should predict, in the same order, such as generalization gaps.
        groups: a label for every model; models that share one are drawn together.
        confidence: the probability that the interval is meant to have.
        resamples: number of bootstrap draws.
        generator: where they come from.

    Raises:
        ValueError: sequences of unequal lengths, infinite values, fewer than three models (or groups) that
            are not missing, a constant sequence, a confidence outside (0, 1), or no resamples.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    require_positive(resamples=resamples)
    x, y = (torch.as_tensor([float(v) for v in values], dtype=torch.float64) for values in (sharpness, targets))
    labels = list(range(len(x))) if groups is None else list(groups)
    if not len(x) == len(y) == len(labels):
        raise ValueError(f"expected one value per model, got lengths {len(x)}, {len(y)} and {len(labels)} groups")
    present = ~(x.isnan() | y.isnan())
    blocks: dict[Hashable, list[int]] = {}
    for position, index in enumerate(present.nonzero().flatten().tolist()):
        blocks.setdefault(labels[index], []).append(position)
    x, y = x[present], y[present]
    require_comparable(x, y, len(blocks))
    taus = bootstrapped(x, y, [torch.tensor(block) for block in blocks.values()], resamples, generator)
    ends = torch.tensor([(1 - confidence) / 2, (1 + confidence) / 2], dtype=torch.float64)
    low, high = taus.quantile(ends).tolist()
    exact = kendalltau(x.numpy(), y.numpy())
    return Correlation(float(exact.statistic), low, high, float(exact.pvalue), len(x), missing=int((~present).sum()))


def require_comparable(x: Tensor, y: Tensor, blocks: int) -> None:
    """Raise ``ValueError`` unless there are three blocks of finite values that vary."""
    if blocks < 3:
        raise ValueError(f"a rank correlation needs at least 3 models or groups without NaN, got {blocks}")
    for name, values in (("sharpness", x), ("targets", y)):
        if bool(values.isinf().any()):
            raise ValueError(f"{name} must be finite, or NaN where a value is missing, got an infinity")
        if bool((values == values[0]).all()):
            raise ValueError(f"{name} is constant ({values[0].item()}) over {len(values)} models and ranks nothing")


def bootstrapped(
    x: Tensor, y: Tensor, blocks: Sequence[Tensor], resamples: int, generator: torch.Generator | None
) -> Tensor:
    """Tau-b of resampled blocks, shape ``(resamples,)`` less those in which it is not defined."""
    order_x, order_y = (torch.sign(v.unsqueeze(1) - v) for v in (x, y))
    concordance = order_x * order_y
    taus = []
    for _ in range(resamples):
        chosen = torch.randint(len(blocks), (len(blocks),), generator=generator).tolist()
        # How often each model was drawn: a sum over drawn pairs is a quadratic form in it.
        weight = torch.bincount(torch.cat([blocks[i] for i in chosen]), minlength=len(x)).double()
        ties = (weight @ order_x.abs() @ weight) * (weight @ order_y.abs() @ weight)
        taus.append((weight @ concordance @ weight / ties.sqrt()).item() if ties > 0 else math.nan)
    table = torch.tensor(taus, dtype=torch.float64)
    defined = table[~table.isnan()]
    if not len(defined):
        raise ValueError(f"no tau is defined in {resamples} resamples, the values are nearly constant; take more")
    return defined
