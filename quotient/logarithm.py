r"""The inverse of the exponential map: which geodesic leads from one model to another."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from symmetries import Params, aligned

from .continuation import continued
from .coordinates import Coordinates, flattened
from .joint_span import JointSpan
from .quotient import Quotient

#: Models that are nearer than this, in units of their size, are measured in units of that: the rest is rounding.
_NEXT_TO = 1e-6

#: How many detours are tried, and how far they lead aside, in units of how far the target is.
_DETOURS, _DETOUR = 8, 2.0


@dataclass(frozen=True)
class Logarithm:
    """The velocity of a geodesic that was shot at a target.

    Attributes:
        coordinates: of the velocity, horizontal, in the chart at the representative of the start.
        residual: how far its end is from the orbit of the target, in units of how far the start is; both are measured
            in what the function depends on, see :func:`logarithm`.
        steps: of Newton's method.
    """

    coordinates: Coordinates
    residual: float
    steps: int


def logarithm(
    geometry: Quotient, params: Params, target: Params, *, tolerance: float = 1e-8, max_steps: int = 400
) -> Logarithm:
    r"""A horizontal velocity x at ``params`` whose geodesic ends on the orbit of ``target``, by shooting.

    No closed form is known. A model changes with the products :math:`P_k = G_k H_k^{H}` of its pairs and the parameters
    outside of them, which move on straight lines. Every pair moves by itself, within the columns that the two models
    span (:class:`JointSpan`), so that x solves small systems of equations, one for each copy of a pair,

    .. math:: P_k(\exp x) = P_k(b).

    They are solved by Gauss-Newton steps for targets that go from the start to where they belong, on the straight line
    between aligned representatives. Where a solution ends on its way, at a point conjugate to the start, other ways are
    tried: to a mirror image of the target on the other side, and along detours. What is found is a geodesic, and
    need not be the shortest; the residual says whether it arrives. With a small residual it belongs to the two orbits,
    whatever their points.

    Example:
        >>> import torch
        >>> from quotient import Quotient, length, scaled
        >>> from symmetries import GeneralLinear, ModelSymmetry, Symmetry, View
        >>> pair = Symmetry(GeneralLinear(2), (View("B", "n h -> 1 n h"),), (View("A", "h m -> 1 m h"),))
        >>> a = {"B": torch.eye(3, 2).double(), "A": (torch.ones(2, 4) + torch.eye(2, 4)).double()}
        >>> geometry = Quotient(ModelSymmetry((pair,), {name: w.shape for name, w in a.items()}))
        >>> chart = geometry.chart(geometry.representative(a))
        >>> x = scaled(chart.random(torch.Generator().manual_seed(0)), 0.1)
        >>> found = logarithm(geometry, a, chart.exp(x))
        >>> torch.allclose(length(found.coordinates), length(x))
        True

    Args:
        geometry: without pairs that share weights.
        params: where the geodesic starts.
        target: where it should end, up to symmetry.
        tolerance: of the distance of a product from its target, in units of how far it was.
        max_steps: of Newton's method, for all pairs of one shape together, after which the velocity so far is
            returned, with its residual.

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
    a, b = (symmetry.folded({name: p.detach().double() for name, p in point.items()}) for point in (start, near))
    tangent = {name: b[name] - p for name, p in a.items()}
    steps = 0
    for span in JointSpan.all_of(geometry, a, b):
        velocity, spent = _shot(span, tolerance, max_steps)
        span.lift_(tangent, velocity)
        steps += spent
    chart = geometry.chart(start)
    straight = {name: u.to(start[name]) for name, u in symmetry.unfolded(tangent).items()}
    x = chart.project(chart.coordinates(straight))
    with torch.no_grad():
        away, apart = (_distance(geometry, point, near) for point in (chart.exp(x), start))
    return Logarithm(x, away / max(apart, _NEXT_TO), steps)


def _shot(span: JointSpan, tolerance: float, max_steps: int) -> tuple[Coordinates, int]:
    """The velocities of all copies; where none is found, the one whose target went farthest."""
    best, farthest, steps = span.chart().zeros(), torch.full((span.copies,), -1.0), 0
    left = torch.arange(span.copies)
    for way in _ways(span):
        velocities, fractions, spent = _followed(way.only(left), tolerance, max_steps - steps)
        steps += spent
        better = fractions.cpu() > farthest[left]
        for a, v in zip(best, velocities, strict=True):
            a[left[better]] = v[better.to(v.device)]
        farthest[left[better]] = fractions.cpu()[better].to(farthest)
        left = left[farthest[left] < 1.0]
        if not len(left) or steps >= max_steps:
            break
    return best, steps


def _ways(span: JointSpan) -> Iterator[JointSpan]:
    """The straight one, that to the mirror image, detours to both; the same ones every time."""
    (pair,) = span.geometry.symmetry.pairs
    ends = [span] if pair.group.positive else [span, span.mirrored()]  # mirror images may be other functions
    yield from ends
    generator = torch.Generator().manual_seed(0)
    for _ in range(_DETOURS):
        yield from (end.detoured(generator, _DETOUR) for end in ends)


def _followed(span: JointSpan, tolerance: float, max_steps: int) -> tuple[Coordinates, Tensor, int]:
    """Velocities that targets were followed with, the fraction of the way that each target went, and the steps."""
    chart = span.chart()
    first = chart.project(chart.coordinates({n: span.target[n] - p + span.aside[n] for n, p in span.start.items()}))
    goal, origin = span.products(span.target), span.products(span.start)
    apart, size = (torch.linalg.vector_norm(p, dim=(-2, -1), keepdim=True) for p in (goal - origin, goal))
    unit = torch.maximum(apart, _NEXT_TO * size)

    def coordinates(entries: Tensor) -> Coordinates:
        pieces = entries.split([a[0].numel() for a in first], dim=-1)
        return chart.project(tuple(e.reshape(a.shape) for e, a in zip(pieces, first, strict=True)))

    def missed(entries: Tensor, fraction: Tensor) -> Tensor:
        reached, wanted = (span.products(p) for p in (chart.exp(coordinates(entries)), span.way(fraction)))
        away = (reached - wanted) / unit
        return (torch.view_as_real(away) if away.is_complex() else away).flatten(1)

    guess = torch.cat([a.flatten(1) for a in first], dim=-1)
    found = continued(missed, guess, tolerance=tolerance, max_steps=max_steps)
    return coordinates(found.unknowns), found.fractions, found.steps


def _distance(geometry: Quotient, a: Params, b: Params) -> float:
    """Of two points of the section, in products of pairs and parameters outside of them, in units of those of b."""
    symmetry = geometry.symmetry
    outside = [name for name in b if all(name not in pair.parameters for pair in symmetry.pairs)]
    there, here = (
        [
            *(g @ h.mH for g, h in (pair.weighted(symmetry.folded(point)) for pair in symmetry.pairs)),
            *(point[name] for name in outside),
        ]
        for point in (a, b)
    )
    apart = flattened([torch.linalg.vector_norm(x - y.to(x)).view(1) for x, y in zip(there, here, strict=True)])
    units = flattened([torch.linalg.vector_norm(y).view(1).clamp_min(torch.finfo(y.dtype).tiny) for y in here])
    return torch.linalg.vector_norm(apart.double() / units.double()).item()
