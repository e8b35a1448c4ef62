"""Geodesics in closed form."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .base import AbstractGeodesic, AbstractSpray, State


@dataclass(frozen=True)
class Exact(AbstractGeodesic):
    r"""The closed form of the geodesic, to working precision.

    It exists for ``Invariant()``, whose factors are images of the right-invariant metric of :math:`GL(n)` under a
    Riemannian submersion [ONeill1966], and for coupled rescalings, where it is an exponential of every weight. Not for
    ``Mixed()``: there the constructor of the geometry raises and names the alternatives.
    """

    order: float = field(default=math.inf, init=False, repr=False)

    def endpoint(self, spray: AbstractSpray, velocity: State) -> State:
        """``spray.closed_form(velocity)``."""
        return spray.closed_form(velocity)


def expm_action(generator: Callable[[Tensor], Tensor], vector: Tensor, bound: float) -> Tensor:
    r""":math:`e^{B} y` by truncated Taylor series, from products with B alone.

    With :math:`\|B\| \le` ``bound`` the interval is cut into :math:`m = \lceil \text{bound} \rceil` pieces and the
    degree taken so that the remainder :math:`(\text{bound}/m)^{k+1} / (k+1)!` is below half a unit in the last place.
    Where it is differentiated, two degrees more make first and second derivatives as good as values.

    Args:
        generator: the product with B, of what has the shape of the vector.
        vector: y, shape ``(..., n, k)``.
        bound: a bound on the operator norm of B.
    """
    pieces = max(1, math.ceil(bound))
    step, remainder, degree = bound / pieces, 1.0, 0
    while remainder > torch.finfo(vector.dtype).eps / 2:
        degree += 1
        remainder *= step / degree
    degree += 2 * torch.is_grad_enabled()
    for _ in range(pieces):
        term = vector
        for k in range(1, degree + 1):
            term = generator(term) / (k * pieces)
            vector = vector + term
    return vector
