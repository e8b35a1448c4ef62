r"""The inverse of the exponential map: which geodesic leads from one model to another."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import OptimizeResult, minimize
from scipy.sparse.linalg import LinearOperator, lsmr
from torch import Tensor

from symmetries import Params, aligned

from .coordinates import Coordinates, flattened, unflattened
from .geometry import AbstractChart
from .quotient import Quotient

#: Steps that the quasi-Newton method remembers.
_HISTORY = 20

#: From this residual on Gauss-Newton steps take over: they converge quadratically, but from near by alone.
_NEAR = 0.1
_NEWTON_STEPS = 10
_SHARES = (1.0, 0.5, 0.25, 0.125)

#: Accuracy of the linear equations of a step, at most.
_FORCING = 0.1


@dataclass(frozen=True)
class Logarithm:
    """The velocity of a geodesic that was shot at a target.

    Attributes:
        coordinates: of the velocity, horizontal, in the chart at the representative of the start.
        residual: how far its end is from the orbit of the target, in units of how far the start is; both are measured
            in what the function depends on, see :func:`logarithm`.
        evaluations: of the exponential map and of its derivatives.
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

    over horizontal x: by L-BFGS [LiuNocedal1989], from the horizontal part of the difference :math:`k \hat b - \hat a`
    of aligned representatives, and once it is near by Gauss-Newton steps, whose solution forgets how it was come by.
    Parameters outside of every pair move on straight lines. What is found is a geodesic, and need not be the shortest;
    the residual says whether it arrives. With a small residual it belongs to the two orbits, whatever their points.

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
        max_evaluations: of L-BFGS, after which the velocity so far is returned, with its residual.

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
    unit: float

    @classmethod
    def of(cls, geometry: Quotient, start: Params, target: Params) -> "_Target":
        pairs = geometry.symmetry.pairs
        outside = [name for name in start if all(name not in pair.parameters for pair in pairs)]

        def invariants(params: Params) -> list[Tensor]:
            factors = (pair.weighted(geometry.symmetry.folded(params)) for pair in pairs)
            return [*(g @ h.mH for g, h in factors), *(params[name] for name in outside)]

        values = [value.detach() for value in invariants(target)]
        sizes = [torch.linalg.vector_norm(value).clamp_min(torch.finfo(value.dtype).tiny) for value in values]
        apart = cls(invariants, values, sizes, 1.0).residuals(start)
        return cls(invariants, values, sizes, torch.linalg.vector_norm(apart).item())

    def residuals(self, params: Params) -> Tensor:
        """By how much every entry is missed, in units of the length of all at the start: one vector."""
        parts = zip(self.invariants(params), self.values, self.sizes, strict=True)
        missed = ((found - wanted) / size for found, wanted, size in parts)
        real = (torch.view_as_real(part) if part.is_complex() else part for part in missed)
        return flattened([part.double() for part in real]) / self.unit


def _shot(
    chart: AbstractChart, first: Coordinates, target: _Target, tolerance: float, max_evaluations: int
) -> Logarithm:
    """L-BFGS over horizontal velocities until one comes near, then Gauss-Newton."""
    if not target.unit > 0:
        return Logarithm(chart.zeros(), 0.0, 0)

    def residuals(entries: Tensor) -> Tensor:
        return target.residuals(chart.exp(chart.project(unflattened(entries, first))))

    def miss(entries: np.ndarray) -> tuple[float, np.ndarray]:
        free = start.new_tensor(entries).requires_grad_()
        missed = residuals(free).square().sum()
        (gradient,) = torch.autograd.grad(missed, free)
        return missed.item(), gradient.cpu().numpy()

    def near(intermediate_result: OptimizeResult) -> None:
        if intermediate_result.fun <= max(tolerance, _NEAR) ** 2:
            raise StopIteration

    start = flattened(first).double()
    options = {"maxfun": max_evaluations, "maxiter": max_evaluations, "maxcor": _HISTORY, "ftol": 0.0, "gtol": 0.0}
    found = minimize(miss, start.cpu().numpy(), jac=True, method="L-BFGS-B", callback=near, options=options)
    entries, evaluations = start.new_tensor(found.x), int(found.nfev)
    if found.fun <= _NEAR**2:
        entries, products = _newton(residuals, entries, tolerance)
        evaluations += products
    with torch.no_grad():
        residual = torch.linalg.vector_norm(residuals(entries)).item()
    return Logarithm(chart.project(unflattened(entries, first)), residual, evaluations)


def _newton(residuals: Callable[[Tensor], Tensor], entries: Tensor, tolerance: float) -> tuple[Tensor, int]:
    """Gauss-Newton steps by LSMR [FongSaunders2011], while they help; and how many products they took."""
    products = 0
    for _ in range(_NEWTON_STEPS):
        value, pull = torch.func.vjp(residuals, entries)[:2]
        missed = torch.linalg.vector_norm(value).item()
        if missed <= tolerance:
            break

        def forward(d: np.ndarray, at: Tensor = entries) -> np.ndarray:
            return torch.func.jvp(residuals, (at,), (at.new_tensor(d).view(-1),))[1].cpu().numpy()

        def backward(
            c: np.ndarray, value: Tensor = value, pull: Callable[[Tensor], tuple[Tensor]] = pull
        ) -> np.ndarray:
            return pull(value.new_tensor(c).view(-1))[0].cpu().numpy()

        slope = LinearOperator((len(value), len(entries)), matvec=forward, rmatvec=backward, dtype=float)
        accuracy = min(_FORCING, missed)  # a tenth far away, and quadratic convergence near by
        step, _, iterations, *_ = lsmr(slope, -value.detach().cpu().numpy(), atol=accuracy, btol=accuracy)
        products += 2 * iterations
        steps = (entries + share * entries.new_tensor(step) for share in _SHARES)
        with torch.no_grad():
            better = (ahead for ahead in steps if torch.linalg.vector_norm(residuals(ahead)).item() < missed)
            ahead = next(better, None)
        if ahead is None:
            break
        entries = ahead
    return entries, products
