"""What a statistic is of a measure that knows nothing: permutations of whole configurations."""

import math
from collections.abc import Hashable, Iterator, Sequence

import torch
from torch import Tensor

from .bootstrap import membership


def block_permutations(labels: Sequence[Hashable], count: int, generator: torch.Generator | None) -> Iterator[Tensor]:
    """Permutations of models that carry whole groups, shape ``(n,)`` each.

    The groups are laid end to end in a random order, and dealt out to the places of the groups in their first
    one: groups of one size change places, members in their order; where sizes differ, some are cut.

    Args:
        labels: the group of every model.
        count: how many permutations.
        generator: where they come from.
    """
    groups = [row.nonzero().flatten() for row in membership(labels)]
    places = torch.cat(groups) if groups else torch.empty(0, dtype=torch.long)
    for _ in range(count):
        permutation = torch.empty_like(places)
        shuffled = torch.randperm(len(groups), generator=generator).tolist()
        permutation[places] = torch.cat([groups[i] for i in shuffled])
        yield permutation


def permutation_p_value(value: float, null: Sequence[float]) -> tuple[float, float]:
    """The mean of a null distribution, and the probability of a value as large [PhipsonSmyth2010]; NaN without one.

    Values that agree to rounding are equally large.
    """
    if not null:
        return math.nan, math.nan
    larger = sum(draw >= value or math.isclose(draw, value, rel_tol=1e-9) for draw in null)
    return sum(null) / len(null), (1 + larger) / (1 + len(null))
