"""Pairs of models, sorted by what both have of their hyperparameters."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
import torch
from einops import rearrange
from scipy.sparse import csr_array
from scipy.special import xlogy
from torch import Tensor

SIGNS = 3
"""A pair of models is ordered one way, the other way, or tied."""

ROUNDING = 1e-12
"""A smaller part of the entropy is rounding: sums over thousands of cells agree to 1e-14."""


@dataclass(frozen=True)
class PairTable:
    """In which cell of every set of hyperparameters an ordered pair of models lies, and how the target orders it.

    Args:
        pairs: a row of ones for each set, cell and sign of the target, the sign running fastest; a column for each pair
            of n models: shape ``(3 c, n * n)``.
        cells: how many cells each set has; c of all of them.
    """

    pairs: csr_array
    cells: tuple[int, ...]

    @classmethod
    def of(cls, cells: Sequence[Tensor], target: Tensor) -> "PairTable":
        """That of pairs of two models, from their cells in every set, and the order of the target: ``(n, n)`` each."""
        apart = ~torch.eye(len(target), dtype=torch.bool)
        counts = [int(numbers.max()) + 1 for numbers in cells]
        rows = [
            SIGNS * (begin + numbers[apart]) + 1 + target[apart].long()
            for numbers, begin in zip(cells, accumulate(counts, initial=0), strict=False)
        ]
        columns = apart.flatten().nonzero().flatten().repeat(len(cells))
        places = (torch.cat(rows).numpy(), columns.numpy())
        return cls(csr_array((np.ones(len(columns)), places), (SIGNS * sum(counts), apart.numel())), tuple(counts))

    def of_sets(self, sets: Sequence[int]) -> "PairTable":
        """That of some of the sets."""
        rows = np.split(np.arange(self.pairs.shape[0]), SIGNS * np.cumsum(self.cells)[:-1])
        return PairTable(self.pairs[np.concatenate([rows[i] for i in sets])], tuple(self.cells[i] for i in sets))

    @cached_property
    def sizes(self) -> np.ndarray:
        """How many pairs each row has, shape ``(3 c, 1)``."""
        return self.pairs.sum(axis=1)[:, None]

    @cached_property
    def entropies(self) -> np.ndarray:
        r""":math:`H(V_y \mid U_S)` of every set, in nats times the number of pairs: shape ``(s, 1)``."""
        return self.uncertainties(self.sizes)

    def information(self, orders: np.ndarray) -> np.ndarray:
        r""":math:`I(V_x; V_y \mid U_S) / H(V_y \mid U_S)` of b measures, from how they order pairs.

        Args:
            orders: shape ``(n * n, b)``.

        Returns:
            Of every set, shape ``(s, b)``.
        """
        agreement = self.pairs @ orders
        # Most measures tie no two models: then every pair is ordered.
        tied = np.count_nonzero(orders) < self.sizes.sum() / len(self.cells) * orders.shape[1]
        ordered = self.pairs @ np.abs(orders) if tied else self.sizes
        counts = ((ordered + agreement) / 2, (ordered - agreement) / 2, self.sizes - ordered)
        known: np.ndarray = 1 - sum(map(self.uncertainties, counts)) / self.entropies
        return np.where(known > ROUNDING, known, 0.0)

    def uncertainties(self, counts: np.ndarray) -> np.ndarray:
        """What cells leave open of the signs of their pairs, in nats, from counts ``(3 c, b)``: by set, ``(s, b)``."""
        signs = rearrange(counts, "(cell sign) b -> sign cell b", sign=SIGNS)
        total = signs.sum(axis=0)
        left = xlogy(total, total) - xlogy(signs, signs).sum(axis=0)
        begins = np.cumsum((0, *self.cells[:-1]))
        return np.add.reduceat(left, begins)


def pair_cells(settings: Sequence[tuple[Hashable, ...]], positions: tuple[int, ...]) -> Tensor:
    """What every ordered pair has of some hyperparameters, as a number: shape ``(n, n)``."""
    parts = [tuple(setting[i] for i in positions) for setting in settings]
    number = {part: i for i, part in enumerate(dict.fromkeys(parts))}
    codes = torch.tensor([number[part] for part in parts])
    return codes.unsqueeze(1) * len(number) + codes
