"""The Krylov space of a random vector as a sketch: one product for every row."""

import torch
from torch import Tensor

from .krylov import KrylovBasis
from .memory import free_memory
from .operator import AbstractOperator
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
    """

    def __init__(self, operator: AbstractOperator, limit: int, generator: torch.Generator | None) -> None:
        row = operator.size * torch.empty(0, dtype=operator.dtype).element_size()
        fitting = max(1, free_memory(operator.device) // 2 // row - 1)
        self.operator = operator
        self._basis = KrylovBasis(operator, min(limit, operator.dimension, fitting, MOST_ROWS), generator)
        self._values = torch.zeros(0, dtype=torch.float64)
        self._first = 0.0

    @property
    def rows(self) -> Tensor:
        return self._basis.vectors

    @property
    def trace(self) -> float:
        return self._values.sum().item()

    @property
    def products(self) -> int:
        return self._basis.products

    @property
    def exhausted(self) -> bool:
        return self._basis.size == self.operator.dimension

    @property
    def is_full(self) -> bool:
        return self._basis.is_full

    def grow(self) -> None:
        self._basis.extend_()
        self._values = self._basis.ritz()[0]
        if self._basis.size == 1:
            self._first = self.trace

    def cost(self, rtol: float) -> float:
        r"""With k rows k, and :math:`2 (F_k - t_k^2 / (d - k)) / \epsilon^2` for the rest B of A, up to a constant.

        :math:`F_k = \|B\|_F^2`, from which the rows have taken :math:`\|T\|_F^2 + 2 \beta^2`, and :math:`t_k` is the
        trace of B, where the first quadratic form, :math:`d\, T_{11}`, stands for that of A.
        """
        total = self.operator.dimension * self._first
        caught = self._values.square().sum().item() + 2 * self._basis.border.square().sum().item()
        return len(self.rows) - 2 * (caught + self.flat_part(total)) / max(rtol * abs(total), TINY) ** 2
