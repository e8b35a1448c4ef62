"""Geodesics in closed form."""

import math
from dataclasses import dataclass, field

import torch

from .base import AbstractGeodesic, AbstractSpray, State

#: Above this norm a series needs more products than scaling and squaring.
SERIES_NORM = 2.0


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


def series_degree(bound: float, dtype: torch.dtype, derivatives: int) -> int:
    r"""The degree, at least two, to which the action of an exponential is expanded.

    The terms of :math:`e^{L} C` left out weigh less than half a unit in the last place of C, for a linear map with
    :math:`\|L\| \le` ``bound`` below two; so do their derivatives, each of which lowers the degree of a term by one.
    """
    degree = 2
    while bound ** (lost := degree + 1 - derivatives) > torch.finfo(dtype).eps / 2 * math.factorial(lost):
        degree += 1
    return degree
