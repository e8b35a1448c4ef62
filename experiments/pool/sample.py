"""Which examples a sample holds."""

import torch
from torch import Tensor


def portion(count: int, number: int, *, examples: int) -> Tensor:
    """Indices of a sample, int64: stretch ``number`` of a random order, which is always the same.

    Samples of different numbers are disjoint until the order is through; it then starts again.

    Example:
        >>> sorted(portion(6, 0, examples=3).tolist() + portion(6, 1, examples=3).tolist())
        [0, 1, 2, 3, 4, 5]

    Args:
        count: of all examples.
        number: of the sample, from 0.
        examples: in the sample, or all of them where there are fewer.

    Raises:
        ValueError: a sample without examples, or a negative number.
    """
    if examples < 1 or number < 0:
        raise ValueError(f"a sample has a number and at least one example, got number={number}, examples={examples}")
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    size = min(examples, count)
    return order[torch.arange(number * size, (number + 1) * size) % count]
