"""Hutch++: what a sketch of the range catches is exact, the rest are quadratic forms."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from quotient import dot

from .deflation import negligible, orthogonalized
from .operator import AbstractOperator
from .quadratic_forms import uniform

#: Rows that may fail to lower the expected cost before a sketch stops growing: one estimate of that cost is noisy.
PATIENCE = 4

#: Stands for a trace that came out zero.
_TINY = 1e-150


class RangeSketch:
    r"""An orthonormal basis Q of :math:`A \omega_1, A \omega_2, \dots` for uniform :math:`\omega_i`, row by row.

    Attributes:
        rows: of Q.
        trace: :math:`\mathrm{tr}\, Q A Q^T`.
        products: how many were taken, two for every row.
        exhausted: whether Q spans the range of A.

    Args:
        operator: A.
        generator: where the :math:`\omega_i` come from.
    """

    def __init__(self, operator: AbstractOperator, generator: torch.Generator | None) -> None:
        self.operator, self.generator = operator, generator
        self.rows: list[Tensor] = []
        self.trace = 0.0
        self.products = 0
        self.exhausted = False

    def grow(self) -> tuple[float, float]:
        r"""Add a row.

        Returns:
            What the new :math:`\omega` says of A as long as its row is not in Q: :math:`\omega^T A \omega`, an
            estimate of the trace, and :math:`|(I - Q^T Q) A \omega|^2`, one of :math:`\|(I - Q^T Q) A\|_F^2`.
        """
        omega = uniform(self.operator, self.generator)
        image = self.operator(omega)
        self.products += 1
        row = orthogonalized(image, self.rows)
        form, left = dot((omega,), (image,)).item(), dot((row,), (row,)).item()
        if negligible(left, image):
            self.exhausted = True
            return form, 0.0
        self.rows.append(row / math.sqrt(left))
        self.trace += dot((self.rows[-1],), (self.operator(self.rows[-1]),)).item()
        self.products += 1
        self.exhausted = len(self.rows) == self.operator.dimension
        return form, left

    def growth(self, rtol: float | None = None) -> Iterator[None]:
        r"""Grow row by row; with ``rtol`` only while that lowers the expected number of products [Persson2022].

        An error :math:`\epsilon` takes :math:`2 k + 2 F_k / \epsilon^2` products with k rows, where :math:`F_k` is
        the squared Frobenius norm of what they have not caught: two for a row, and one for a quadratic form.

        Args:
            rtol: the relative standard error that is wanted.
        """
        forms: list[float] = []
        left: list[float] = []
        costs: list[float] = []
        while not self.exhausted:
            form, remainder = self.grow()
            yield
            forms.append(form)
            left.append(remainder)
            if rtol is not None:
                aim = max(rtol * abs(sum(forms)) / len(forms), _TINY)
                costs.append(2 * len(left) + 2 * sum(left[-3:]) / len(left[-3:]) / aim**2)
                if len(costs) > PATIENCE + costs.index(min(costs)):
                    return
