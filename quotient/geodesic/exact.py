"""Geodesics in closed form."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .base import AbstractGeodesic, AbstractSpray, State

#: Above this norm a series needs more products than scaling and squaring.
_SERIES_NORM = 2.0


@dataclass(frozen=True)
class Exact(AbstractGeodesic):
    r"""The closed form of the geodesic, to working precision.

    It exists for ``Invariant()``, whose factors are images of the right-invariant metric of :math:`GL(n)` under a
    Riemannian submersion [ONeill1966], and for coupled rescalings, where it is an exponential of every weight. Not for
    ``Mixed()``: there the constructor of the geometry raises and names the alternatives.
    """

    order: float = field(default=math.inf, init=False, repr=False)

    def displacement(self, spray: AbstractSpray, velocity: State) -> State:
        """``spray.closed_form(velocity)``."""
        return spray.closed_form(velocity)


def expm1(matrix: Tensor, square: Tensor, columns: int, bound: float) -> Tensor:
    r"""The first columns of :math:`e^A - I`, by the Taylor series in :math:`A^2`.

    .. math:: e^A - I = \sum_{j \ge 1} \frac{(A^2)^j}{(2j)!} + A \sum_{j \ge 0} \frac{(A^2)^j}{(2j+1)!}

    Every power of the square is one product and serves two degrees. With :math:`\|A\| \le` ``bound`` there are as many
    terms as bring the remainder below half a unit in the last place of one; where it is differentiated, one term more
    makes first and second derivatives as good as values. Large bounds are left to scaling and squaring.

    Args:
        matrix: A, shape ``(..., n, n)``.
        square: its square, which the caller may have for less than a product.
        columns: how many.
        bound: on the norm of A, or of a matrix similar to it in whose basis the error is measured.
    """
    identity = torch.eye(matrix.shape[-1], columns, dtype=matrix.dtype, device=matrix.device)
    if bound > _SERIES_NORM:
        return torch.linalg.matrix_exp(matrix)[..., :columns] - identity
    power = square[..., :columns]
    even, odd = power / 2, identity + power / 6
    for j in range(2, series_terms(bound, matrix.dtype) + 1):
        power = square @ power
        even = even.add(power, alpha=1.0 / math.factorial(2 * j))
        odd = odd.add(power, alpha=1.0 / math.factorial(2 * j + 1))
    return even + matrix @ odd


def series_terms(bound: float, dtype: torch.dtype) -> int:
    """How many powers of the square :func:`expm1` takes, at least one."""
    terms, kept = 1, 0 if torch.is_grad_enabled() else 2  # each derivative costs one degree of the remainder
    while bound ** (2 * terms + kept) > torch.finfo(dtype).eps / 2 * math.factorial(2 * terms + kept):
        terms += 1
    return terms
