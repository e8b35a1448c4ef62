"""What a statistic is of a measure that knows nothing: permutations of whole configurations."""

import math
from collections.abc import Hashable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .bootstrap import membership

NOBODY = -1
"""In the place of a model, where a group is smaller than the largest."""

ENTRIES = 2**18
"""Of permuted orders held at once: 2 MiB, which stay in the cache."""


def block_permutations(labels: Sequence[Hashable], count: int, generator: torch.Generator | None) -> Tensor:
    """Permutations of models that carry whole groups, shape ``(count, n)``.

    The groups are laid end to end in a random order, and dealt out to the places of the groups in their first
    one: groups of one size change places, members in their order; where sizes differ, some are cut.

    Args:
        labels: the group of every model.
        count: how many permutations.
        generator: where they come from.
    """
    groups = [row.nonzero().flatten() for row in membership(labels)]
    shuffled = torch.empty(count, len(groups), dtype=torch.long)
    for row in shuffled:
        torch.randperm(len(groups), generator=generator, out=row)
    dealt = pad_sequence(groups, batch_first=True, padding_value=NOBODY)[shuffled].flatten(1)
    permutations = torch.empty(count, len(labels), dtype=torch.long)
    permutations[:, torch.cat(groups)] = dealt[dealt != NOBODY].view(count, len(labels))
    return permutations


def permuted_orders(values: Tensor, permutations: Tensor) -> Iterator[Tensor]:
    """How permuted values order every pair of models, so many permutations at a time.

    Args:
        values: shape ``(n,)``.
        permutations: shape ``(count, n)``.

    Yields:
        The sign of ``values[p(i)] - values[p(j)]`` in row i n + j, a column for every permutation p: ``(n * n, some)``.
    """
    for some in permutations.split(max(1, ENTRIES // len(values) ** 2)):
        shuffled = values[some.mT.contiguous()]  # (n, some)
        yield (shuffled.unsqueeze(1) - shuffled.unsqueeze(0)).sign_().flatten(0, 1)


def permutation_p_value(value: float, null: Sequence[float]) -> tuple[float, float]:
    """The mean of a null distribution, and the probability of a value as large [PhipsonSmyth2010]; NaN without one.

    Values that agree to rounding are equally large.
    """
    if not null:
        return math.nan, math.nan
    larger = sum(draw >= value or math.isclose(draw, value, rel_tol=1e-9) for draw in null)
    return sum(null) / len(null), (1 + larger) / (1 + len(null))
