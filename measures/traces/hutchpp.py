"""Hutch++: what a sketch of the range catches is exact, the rest are quadratic forms."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..operators.operator import AbstractOperator
from ..operators.orthogonalization import inner, negligible, orthogonalize_, products
from .quadratic_forms import uniform
from .sketch import TINY, AbstractSketch


class RangeSketch(AbstractSketch):
    r"""An orthonormal basis Q of :math:`A \omega_1, A \omega_2, \dots` for uniform :math:`\omega_i`, row by row.

    Two products for every row.

    Args:
        operator: A.
        generator: where the :math:`\omega_i` come from.
    """

    def __init__(self, operator: AbstractOperator, generator: torch.Generator | None) -> None:
        self.operator, self.generator = operator, generator
        self._rows: list[Tensor] = []
        self._trace = 0.0
        self._products = 0
        self._exhausted = False
        # Of every omega, as long as its row was not in Q: the quadratic form, an estimate of the trace, and
        # |(I - Q^T Q) A omega|^2, one of |(I - Q^T Q) A|_F^2.
        self._forms: list[float] = []
        self._left: list[float] = []

    @property
    def rows(self) -> Sequence[Tensor]:
        return self._rows

    @property
    def trace(self) -> float:
        return self._trace

    @property
    def products(self) -> int:
        return self._products

    @property
    def exhausted(self) -> bool:
        return self._exhausted

    @property
    def is_full(self) -> bool:
        return False

    def caught(self, x: Tensor, image: Tensor) -> float:
        return float(products(image, self._rows).square().sum())

    def grow(self) -> None:
        omega = uniform(self.operator, self.generator)
        image = self.operator(omega)
        self._products += 1
        self._forms.append(inner(omega, image))
        row = image.clone()
        left = orthogonalize_(row, self._rows)[1].item()
        self._left.append(left**2)
        if negligible(left, image):
            self._exhausted = True
            return
        self._rows.append(row.div_(left))
        self._trace += inner(row, self.operator(row))
        self._products += 1
        self._exhausted = len(self._rows) == self.operator.dimension

    def cost(self, rtol: float) -> float:
        r"""With k rows :math:`2 k + 2 F_k / \epsilon^2`: two for a row, one for a quadratic form.

        :math:`F_k` is the squared Frobenius norm of what they have not caught, :math:`\epsilon` the error.
        """
        aim = max(rtol * abs(sum(self._forms)) / len(self._forms), TINY)
        return 2 * len(self._left) + 2 * sum(self._left[-3:]) / len(self._left[-3:]) / aim**2
