"""Resampling whole configurations."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..arguments import require_positive
from .undefined import UndefinedStatisticError

CHUNK = 512
"""Resamples worked on at once, so that memory does not grow with their number."""


def membership(labels: Sequence[Hashable]) -> Tensor:
    """One row for every label, in the order of first sight, with ones at its models: shape ``(groups, n)``."""
    rows = {label: row for row, label in enumerate(dict.fromkeys(labels))}
    table = torch.zeros(len(rows), len(labels), dtype=torch.float64)
    table[[rows[label] for label in labels], range(len(labels))] = 1.0
    return table


@dataclass(frozen=True)
class Resamples:
    """Draws of whole groups of models.

    Args:
        counts: how often each draw holds each group, shape ``(r, m)``.
        groups: the models of each group, see :func:`membership`: shape ``(m, n)``.
    """

    counts: Tensor
    groups: Tensor

    @classmethod
    def once(cls, n: int) -> "Resamples":
        """One draw, which holds each of n models once."""
        return cls(torch.ones(1, n, dtype=torch.float64), torch.eye(n, dtype=torch.float64))

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def weights(self) -> Tensor:
        """How often each draw holds each model, shape ``(r, n)``."""
        return self.counts @ self.groups

    def over_models(self, tables: Tensor) -> Tensor:
        """Sums of rows over the models of each draw, shape ``(..., n, k)`` to ``(..., r, k)``."""
        return self.counts @ (self.groups @ tables)

    def over_pairs(self, tables: Tensor) -> Tensor:
        """Sums over ordered pairs of the models of each draw, shape ``(..., n, n)`` to ``(..., r)``.

        Models of a group occur equally often, so that a draw sums over pairs of groups.
        """
        blocks = self.groups @ tables @ self.groups.mT
        return ((self.counts @ blocks) * self.counts).sum(dim=-1)

    def split(self) -> Iterator["Resamples"]:
        """A few draws at a time."""
        return (Resamples(counts, self.groups) for counts in self.counts.split(CHUNK))


def resampled(labels: Sequence[Hashable], resamples: int, generator: torch.Generator | None) -> Resamples:
    """Draws with replacement of as many groups as there are.

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
    return Resamples(counts.scatter_add_(1, chosen, torch.ones_like(counts)), groups)


def percentile_interval(
    statistic: Callable[[Resamples], Tensor], resamples: Resamples, confidence: float
) -> tuple[float, float]:
    """Percentiles of a statistic over resamples [Efron1993] Chapter 13, those that have none left out.

    Args:
        statistic: of each of r resamples, shape ``(r,)``, NaN where it is not defined.
        resamples: the draws.
        confidence: the probability that the interval is meant to have.

    Raises:
        ValueError: a confidence outside (0, 1).
        UndefinedStatisticError: a statistic that no resample defines.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    values = torch.cat([statistic(some) for some in resamples.split()])
    defined = values[~values.isnan()]
    if not len(defined):
        raise UndefinedStatisticError(
            f"the statistic is defined in none of {len(resamples)} resamples, the values are nearly constant; take more"
        )
    ends = torch.tensor([(1 - confidence) / 2, (1 + confidence) / 2], dtype=torch.float64)
    low, high = defined.quantile(ends).tolist()
    return low, high
