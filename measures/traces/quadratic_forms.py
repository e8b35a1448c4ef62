"""Quadratic forms of uniform vectors on a sphere: their mean is a trace, and so is their variance."""

import math

import torch
from torch import Tensor

from ..operators.operator import AbstractOperator
from ..operators.orthogonalization import inner, lengths, orthogonalize_
from .sketch import AbstractSketch

#: Vectors that are made orthogonal to the rows of a sketch at a time. Several are waiting at any time: little beside
#: the rows.
_BLOCK = 8


class QuadraticForms:
    r"""The mean of :math:`x^T A x` over x uniform on a sphere of the complement of a sketch [Hutchinson1990].

    With the rows Q of the sketch and :math:`P = I - Q^T Q`, of rank d, the sphere of radius :math:`\sqrt d` gives
    :math:`\mathrm{tr} B, B = P A P`. The error comes from :math:`\mathrm{tr} B^2`, the mean of :math:`|B x|^2`; see
    :func:`variance_of_mean`. Only x is projected, and not its image, since

    .. math:: x^T B x = x^T A x, \qquad |B x|^2 = |A x|^2 - |Q A x|^2 \qquad \text{for } x = P x .

    Attributes:
        products: how many were taken.

    Args:
        sketch: of A, done growing; without rows, P is the identity.
        generator: where x comes from.
    """

    def __init__(self, sketch: AbstractSketch, generator: torch.Generator | None) -> None:
        self.sketch, self.generator = sketch, generator
        self.dimension = sketch.operator.dimension - len(sketch.rows)
        self.products = 0
        self._form, self._square = torch.zeros(2, dtype=torch.float64)
        self._block = torch.empty(0)
        self._waiting: list[Tensor] = []

    def draw(self) -> None:
        """One more x, for one product."""
        x = self._next()
        image = self.sketch.operator(x)
        self._form += inner(x, image)
        self._square += lengths(image).square() - self.sketch.caught(x, image)
        self.products += 1

    @property
    def mean(self) -> float:
        """The estimate of the trace; needs one draw."""
        return (self._form / self.products).item()

    @property
    def stderr(self) -> float:
        """Its standard error; needs one draw."""
        trace, square = self._form / self.products, self._square / self.products
        return variance_of_mean(trace, square, dimension=self.dimension, probes=self.products).sqrt().item()

    def _next(self) -> Tensor:
        if not len(self.sketch.rows):
            return uniform(self.sketch.operator, self.generator)
        if not self._waiting:
            self._waiting = list(self._drawn())
        return self._waiting.pop()

    def _drawn(self) -> Tensor:
        """As many vectors as are drawn at a time, in the place of those before."""
        operator = self.sketch.operator
        if not len(self._block):
            self._block = torch.empty(_BLOCK, operator.size, dtype=operator.dtype, device=operator.device)
        for vector in self._block:
            vector.copy_(operator.random(self.generator))
        _, left = orthogonalize_(self._block, self.sketch.rows)
        return self._block.mul_((math.sqrt(self.dimension) / left).to(self._block).unsqueeze(1))


def uniform(operator: AbstractOperator, generator: torch.Generator | None) -> Tensor:
    r"""A uniform vector of the operator's space on the sphere of radius :math:`\sqrt d`, shape ``(n,)``."""
    x = operator.random(generator)
    return x * (math.sqrt(operator.dimension) / lengths(x).item())


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
