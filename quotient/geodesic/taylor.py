"""Geodesics by Taylor expansion in time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .base import AbstractGeodesic, AbstractSpray, State

Product = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Taylor(AbstractGeodesic):
    r"""The Taylor polynomial of the geodesic at its start.

    .. math:: \gamma(1) \approx \sum_{j=0}^{k} c_j, \quad c_0 = \theta, \; c_1 = \xi, \;
              c_{j} = \frac{1}{j (j - 1)} [t^{j-2}]\, a(\gamma(t), \dot\gamma(t))

    Order 1 is a straight line; order 2 is :math:`\theta + \xi - \tfrac12 \Gamma[\xi, \xi]`, the expansion of
    [daSilva2025] (Eq. 5). Coefficients come from the arithmetic of truncated power series, so any order is exact and
    twice differentiable. Since the group acts linearly, the truncated geodesic is as equivariant as the geodesic.

    Args:
        order: k, at least 1. One evaluation is off by :math:`O(\|\xi\|^{k+1})`.

    Raises:
        ValueError: an order below 1.
    """

    order: int

    def __post_init__(self) -> None:
        if self.order < 1:
            raise ValueError(f"a Taylor geodesic needs order >= 1, got {self.order}")

    def displacement(self, spray: AbstractSpray, velocity: State) -> State:
        """The sum of the coefficients after the first."""
        coefficients = [[c0, c1] for c0, c1 in zip(spray.position, velocity, strict=True)]
        for j in range(2, self.order + 1):
            position = tuple(Series(c[: j - 1]) for c in coefficients)
            speed = tuple(Series([k * term for k, term in enumerate(c)][1:]) for c in coefficients)
            for c, acceleration in zip(coefficients, spray.acceleration(position, speed), strict=True):
                c.append(acceleration.coefficients[j - 2] / (j * (j - 1)))
        return spray.finish(tuple(_sum(c[1:]) for c in coefficients))


class Series:
    """A power series of tensors in one variable, truncated: the arithmetic of its coefficients.

    Supports what an acceleration needs: sums, matrix and elementwise products, constant matrices on the left, the
    adjoint, inverse and reciprocal.
    """

    def __init__(self, coefficients: Sequence[Tensor]) -> None:
        self.coefficients = list(coefficients)

    def __add__(self, other: "Series") -> "Series":
        return Series([a + b for a, b in zip(self.coefficients, other.coefficients, strict=False)])

    def __sub__(self, other: "Series") -> "Series":
        return Series([a - b for a, b in zip(self.coefficients, other.coefficients, strict=False)])

    def __matmul__(self, other: "Series") -> "Series":
        return self._cauchy(other, torch.matmul)

    def __rmatmul__(self, constant: Tensor) -> "Series":
        return Series([constant @ a for a in self.coefficients])

    def __rmul__(self, factor: float) -> "Series":
        return Series([factor * a for a in self.coefficients])

    def __mul__(self, other: "Series") -> "Series":
        return self._cauchy(other, torch.mul)

    @property
    def mH(self) -> "Series":
        """The adjoint of every coefficient."""
        return Series([a.mH for a in self.coefficients])

    def inverse(self) -> "Series":
        r"""The matrix inverse: :math:`b_0 = a_0^{-1}`, :math:`b_k = -b_0 \sum_{i \ge 1} a_i b_{k-i}`."""
        return self._inverted(self.coefficients[0].inverse(), torch.matmul)

    def reciprocal(self) -> "Series":
        """The elementwise inverse, by the same recursion."""
        return self._inverted(self.coefficients[0].reciprocal(), torch.mul)

    def _cauchy(self, other: "Series", product: Product) -> "Series":
        a, b = self.coefficients, other.coefficients
        return Series([_sum(product(a[i], b[k - i]) for i in range(k + 1)) for k in range(min(len(a), len(b)))])

    def _inverted(self, first: Tensor, product: Product) -> "Series":
        a, b = self.coefficients, [first]
        for k in range(1, len(a)):
            b.append(-product(first, _sum(product(a[i], b[k - i]) for i in range(1, k + 1))))
        return Series(b)


def _sum(terms: Iterable[Tensor]) -> Tensor:
    total, *rest = terms
    for term in rest:
        total = total + term
    return total
