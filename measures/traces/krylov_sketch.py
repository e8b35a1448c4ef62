"""The Krylov space of a random vector as a sketch: one product for every row."""

import torch
from torch import Tensor

from ..operators.memory import free_memory
from ..operators.operator import AbstractOperator
from ..operators.orthogonalization import inner
from ..spectra.krylov import KrylovBasis
from .sketch import TINY, AbstractSketch

#: More rows than this cost more to keep orthogonal than quadratic forms do to draw.
MOST_ROWS = 256


class KrylovSketch(AbstractSketch):
    r"""The rows of a Lanczos process from one random vector: :math:`\mathrm{tr}\, Q A Q^T = \mathrm{tr}\, T`.

    As a sketch it takes one product for every row, where one of images of random vectors takes two, and finds the ends
    of the spectrum sooner [ChenHallman2023]. A single vector sees an eigenvalue once, whatever its multiplicity.

    Args:
        operator: A.
        limit: the largest number of rows; less where memory is short.
        generator: where the vector comes from.
        memory: bytes that the rows may take; by default half of the free memory.
    """

    def __init__(
        self, operator: AbstractOperator, limit: int, generator: torch.Generator | None, *, memory: int | None = None
    ) -> None:
        row = operator.size * torch.empty(0, dtype=operator.dtype).element_size()
        budget = free_memory(operator.device) // 2 if memory is None else memory
        fitting = max(1, budget // row - 1)
        self.operator = operator
        self._basis = KrylovBasis(operator, min(limit, operator.dimension, fitting, MOST_ROWS), generator)
        self._diagonal: list[float] = []
        self._gain = 0.0

    @property
    def rows(self) -> Tensor:
        return self._basis.vectors

    @property
    def trace(self) -> float:
        return sum(self._diagonal)

    @property
    def products(self) -> int:
        return self._basis.products

    @property
    def exhausted(self) -> bool:
        return self._basis.size == self.operator.dimension

    @property
    def is_full(self) -> bool:
        return self._basis.is_full

    def caught(self, x: Tensor, image: Tensor) -> float:
        """Only the newest row is coupled to the rest, by the next one."""
        return float(self._basis.border.square().sum()) * inner(self._basis.next, x) ** 2

    def grow(self) -> None:
        self._basis.extend_()
        self._diagonal.append(self._basis.ritz()[0].sum().item() - self.trace)
        self._gain += (self._diagonal[-1] - self._level()) ** 2 + 2 * self._basis.border.square().sum().item()

    def cost(self, rtol: float) -> float:
        r"""With k rows :math:`k - 2 \sum_i ((T_{ii} - c_i)^2 + 2 \beta_i^2) / \epsilon^2`, up to a constant.

        The sum is what the rows take off the variance of a quadratic form on the rest, half of it, where
        :math:`c_i` is the level of the rest: vectors on a sphere do not see a multiple of the identity.
        """
        return len(self.rows) - 2 * self._gain / max(rtol * abs(self._total), TINY) ** 2

    @property
    def _total(self) -> float:
        """The first quadratic form, an estimate of the trace of A."""
        return self.operator.dimension * self._diagonal[0]

    def _level(self) -> float:
        """The mean of the eigenvalues on the rest, by the first form or the newest row: what both are sure of."""
        left = self.operator.dimension - len(self.rows)
        mean, newest = (self._total - self.trace) / max(left, 1), self._diagonal[-1]
        return min(mean, newest, key=abs) if mean * newest > 0 else 0.0
