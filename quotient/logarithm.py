r"""The inverse of the exponential map: which geodesic leads from one model to another."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import OptimizeResult, minimize
from torch import Tensor

from symmetries import Params, aligned

from .coordinates import Coordinates, flattened, unflattened
from .geometry import AbstractChart
from .quotient import Quotient

#: Steps that the quasi-Newton method remembers.
_HISTORY = 20


@dataclass(frozen=True)
class Logarithm:
    """The velocity of a geodesic that was shot at a target.

    Attributes:
        coordinates: of the velocity, horizontal, in the chart at the representative of the start.
        residual: how far its end is from the orbit of the target, in units of how far the start is; both are measured
            in what the function depends on, see :func:`logarithm`.
        evaluations: of the exponential map.
    """

    coordinates: Coordinates
    residual: float
    evaluations: int


def logarithm(
    geometry: Quotient, params: Params, target: Params, *, tolerance: float = 1e-3, max_evaluations: int = 200
) -> Logarithm:
    r"""A horizontal velocity x at ``params`` whose geodesic ends on the orbit of ``target``, by shooting.

    No closed form is known. Along geodesics that keep to a section the model changes through the products
    :math:`P_k = G_k H_k^{H}` of its pairs and the parameters outside of them, so that x minimizes

    .. math:: \sum_k \| P_k(\exp x) - P_k(b) \|^2 / \| P_k(b) \|^2

    over horizontal x, by L-BFGS [LiuNocedal1989] from the horizontal part of the difference :math:`k \hat b - \hat a`
    of the aligned representatives. Parameters outside of every pair move on straight lines, exactly. What is
    found is a geodesic, and need not be the shortest; the residual says whether it arrives. It is a function of the two
    orbits, as far as canonical representatives are.

    Example:
        >>> import torch
        >>> from quotient import Quotient, length, scaled
        >>> from symmetries import GeneralLinear, ModelSymmetry, Symmetry, View
        >>> pair = Symmetry(GeneralLinear(2), (View("B", "n h -> 1 n h"),), (View("A", "h m -> 1 m h"),))
        >>> a = {"B": torch.eye(3, 2).double(), "A": (torch.ones(2, 4) + torch.eye(2, 4)).double()}
        >>> geometry = Quotient(ModelSymmetry((pair,), {name: w.shape for name, w in a.items()}))
        >>> chart = geometry.chart(geometry.representative(a))
        >>> x = scaled(chart.random(torch.Generator().manual_seed(0)), 0.1)
        >>> found = logarithm(geometry, a, chart.exp(x), tolerance=1e-8)
        >>> torch.allclose(length(found.coordinates), length(x))
        True

    Args:
        geometry: without pairs that share weights.
        params: where the geodesic starts.
        target: where it should end, up to symmetry.
        tolerance: of the residual.
        max_evaluations: after which the best velocity so far is returned, with its residual.

    Raises:
        ValueError: pairs that share weights, a rank-deficient pair, or a tolerance that is not positive.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    symmetry = geometry.symmetry
    if any(len(component) > 1 for component in symmetry.components()):
        raise ValueError("logarithms of pairs that share weights are not known; leave all but one of them out")
    start = geometry.representative(params)
    _, near = aligned(symmetry, start, target)
    near = {name: p.to(start[name]) for name, p in near.items()}
    chart = geometry.chart(start)
    first = chart.project(chart.coordinates({name: p - start[name] for name, p in near.items()}))
    return _shot(chart, first, _Target.of(geometry, start, near), tolerance, max_evaluations)


@dataclass(frozen=True)
class _Target:
    """What is aimed at: invariants, and the unit of every one of them."""

    invariants: Callable[[Params], list[Tensor]]
    values: list[Tensor]
    sizes: list[Tensor]
    unit: Tensor

    @classmethod
    def of(cls, geometry: Quotient, start: Params, target: Params) -> "_Target":
        pairs = geometry.symmetry.pairs
        outside = [name for name in start if all(name not in pair.parameters for pair in pairs)]

        def invariants(params: Params) -> list[Tensor]:
            factors = (pair.weighted(geometry.symmetry.folded(params)) for pair in pairs)
            return [*(g @ h.mH for g, h in factors), *(params[name] for name in outside)]

        values = [value.detach() for value in invariants(target)]
        sizes = [torch.linalg.vector_norm(value).clamp_min(torch.finfo(value.dtype).tiny) for value in values]
        apart = cls(invariants, values, sizes, torch.ones(()))
        return cls(invariants, values, sizes, apart.misses(start).detach())

    def misses(self, params: Params) -> Tensor:
        """The sum of squares, in units of that at the start."""
        parts = zip(self.invariants(params), self.values, self.sizes, strict=True)
        squares = [torch.linalg.vector_norm((found - wanted) / size).square() for found, wanted, size in parts]
        return torch.stack([square.double() for square in squares]).sum() / self.unit


def _shot(
    chart: AbstractChart, first: Coordinates, target: _Target, tolerance: float, max_evaluations: int
) -> Logarithm:
    """L-BFGS over horizontal velocities, until one is good enough."""
    if not bool(target.unit > 0):
        return Logarithm(chart.zeros(), 0.0, 0)

    def velocity(entries: np.ndarray) -> Coordinates:
        return unflattened(torch.from_numpy(entries).to(first[0].device), first)

    def miss(entries: np.ndarray) -> tuple[float, np.ndarray]:
        x = tuple(a.requires_grad_() for a in velocity(entries))
        missed = target.misses(chart.exp(chart.project(x)))
        gradient = torch.autograd.grad(missed, x, allow_unused=True, materialize_grads=True)
        return missed.item(), flattened(gradient).double().cpu().numpy()

    def reached(intermediate_result: OptimizeResult) -> None:
        if intermediate_result.fun <= tolerance**2:
            raise StopIteration

    found = minimize(
        miss,
        flattened(first).double().cpu().numpy(),
        jac=True,
        method="L-BFGS-B",
        callback=reached,
        options={"maxfun": max_evaluations, "maxiter": max_evaluations, "maxcor": _HISTORY, "ftol": 0.0, "gtol": 0.0},
    )
    return Logarithm(chart.project(velocity(found.x)), float(found.fun) ** 0.5, int(found.nfev))
