"""Quadratic forms of uniform vectors on a sphere: their mean is a trace, and so is their variance."""

import math

import torch
from torch import Tensor

from quotient import dot

from ..operators.operator import AbstractOperator


class QuadraticForms:
    r"""The mean of :math:`x^T A x` over x uniform on the sphere of radius :math:`\sqrt d` [Hutchinson1990].

    Its error comes from :math:`\mathrm{tr} A^2`, the mean of :math:`|A x|^2`; see :func:`variance_of_mean`.

    Attributes:
        products: how many were taken.

    Args:
        operator: A.
        generator: where x comes from.
    """

    def __init__(self, operator: AbstractOperator, generator: torch.Generator | None) -> None:
        self.operator, self.generator = operator, generator
        self.products = 0
        self._form = torch.zeros((), dtype=torch.float64, device=operator.device)
        self._square = self._form.clone()

    def draw(self) -> None:
        """One more x, for one product."""
        x = uniform(self.operator, self.generator)
        y = self.operator(x)
        self._form += dot((x,), (y,))
        self._square += dot((y,), (y,))
        self.products += 1

    @property
    def mean(self) -> float:
        """The estimate of the trace; needs one draw."""
        return (self._form / self.products).item()

    @property
    def stderr(self) -> float:
        """Its standard error; needs one draw."""
        trace, square = self._form / self.products, self._square / self.products
        d = self.operator.dimension
        return variance_of_mean(trace, square, dimension=d, probes=self.products).sqrt().item()


def uniform(operator: AbstractOperator, generator: torch.Generator | None) -> Tensor:
    r"""A uniform vector of the operator's space on the sphere of radius :math:`\sqrt d`, shape ``(n,)``."""
    x = operator.random(generator)
    return x * (math.sqrt(operator.dimension) / torch.linalg.vector_norm(x, dtype=torch.float64)).to(x.dtype)


def variance_of_mean(trace: Tensor, square: Tensor, *, dimension: int, probes: int) -> Tensor:
    r"""The variance of the mean of p independent forms :math:`x^T B x`, with the traces of B and of its square.

    For x uniform on the sphere of radius :math:`\sqrt d`, :math:`E\, x_i^4 = 3d/(d+2)` and
    :math:`E\, x_i^2 x_j^2 = d/(d+2)`, so that for every symmetric B

    .. math:: \mathrm{Var}(x^T B x) = \frac{2}{d+2} \big( d\, \mathrm{tr} B^2 - (\mathrm{tr} B)^2 \big) .

    The two traces are estimated from the very products whose mean is taken. That is steadier than the variance of
    a few forms among themselves, and gives a single one an error. What the estimates add is largest where one
    eigenvalue dominates: then the mean is :math:`\chi^2_p / p`, its variance comes out as :math:`2 \chi^2_p /
    p^2`, and the studentized error has the mean square :math:`p/(p-2)` in place of 1. The variance is widened by
    :math:`1 + 2/p`, that factor to first order.

    Args:
        trace: of B, estimated, any shape.
        square: the trace of :math:`B^2`, estimated, the same shape.
        dimension: d.
        probes: p.
    """
    spread = (dimension * square - trace.square()).clamp_min(0.0)
    return (1 + 2 / probes) * 2 / (dimension + 2) * spread / probes
