"""Geodesics: against the integrated equation, their order, their constant speed, their horizontal velocity."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from quotient import (
    AbstractGeodesic,
    AbstractMetric,
    Embedded,
    Exact,
    Invariant,
    Mixed,
    Quotient,
    RungeKutta,
    Taylor,
    combined,
    length,
    scaled,
)
from quotient.geodesic import Series, series_degree
from quotient.metric import Gram
from quotient.metric.invariant import InvariantSpray
from symmetries import ModelSymmetry, Params, Tangent
from tests.quotient.cases import CHAIN, QUERY_KEY, ROTARY, SINGLE, VALUE_OUTPUT, group, parameters

PAIRS = {
    "heads": lambda: group(QUERY_KEY, VALUE_OUTPUT),
    "rotary heads": lambda: group(ROTARY),
    "single rescaling": lambda: group(SINGLE),
    "chain of rescalings": lambda: group(*CHAIN),
}
REFERENCE = RungeKutta(200)  # error below 1e-11 at speeds near one: order four is tested below
SMOOTH = RungeKutta(64)  # below 1e-8 there


@dataclass(frozen=True)
class Start:
    """A point, and a horizontal velocity of given length."""

    symmetry: ModelSymmetry
    params: Params
    speed: float
    seed: int = 3

    def end(self, metric: AbstractMetric, geodesic: AbstractGeodesic, time: float = 1.0) -> Params:
        chart = Quotient(self.symmetry, metric, geodesic, rest="frozen").chart(self.params)
        x = chart.random(torch.Generator().manual_seed(self.seed))
        return chart.exp(scaled(x, self.speed * time / length(x)))


def distance(a: Params, b: Params) -> float:
    return max(float((a[name] - b[name]).abs().max()) for name in a)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("speed", [1e-3, 0.3, 2.0])
def test_exact_agrees_with_integration(name: str, speed: float, generator: torch.Generator) -> None:
    start = Start(PAIRS[name](), parameters(generator), speed)
    assert distance(start.end(Invariant(), Exact()), start.end(Invariant(), REFERENCE)) < 1e-10


def test_published_equation_is_the_one_integrated(generator: torch.Generator) -> None:
    """An independent integrator, with the published Christoffel terms, in the basis of the parameters."""
    params = parameters(generator)
    for metric in (Invariant(), Mixed()):
        chart = Quotient(group(QUERY_KEY), metric, REFERENCE, rest="frozen").chart(params)
        x = scaled(chart.random(generator), 0.1)
        velocity = QUERY_KEY.stack(chart.vector(x))
        end = integrated(metric, QUERY_KEY.stack(params), velocity)
        for ours, theirs in zip(QUERY_KEY.stack(chart.exp(x)), end, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("metric", [Invariant(), Mixed()])
def test_published_equation_is_that_of_the_metric(metric: AbstractMetric, generator: torch.Generator) -> None:
    """Euler-Lagrange: d/dt (dE/dv) = dE/dp along the acceleration, by automatic differentiation of the energy."""
    p = QUERY_KEY.stack(parameters(generator))
    v = tuple(torch.randn(a.shape, generator=generator, dtype=a.dtype) for a in p)

    def energy(position: tuple[Tensor, Tensor], velocity: tuple[Tensor, Tensor]) -> Tensor:
        (g, h), (vg, vh) = position, velocity
        s, t = g.mH @ g, h.mH @ h
        m_g, m_h = (s.inverse(), t.inverse()) if isinstance(metric, Invariant) else (t, s)
        return 0.5 * ((m_g * (vg.mH @ vg).mT).sum() + (m_h * (vh.mH @ vh).mT).sum())

    momentum = torch.func.grad(energy, argnums=1)
    force = torch.func.grad(energy, argnums=0)(p, v)
    change = torch.func.jvp(momentum, (p, v), (v, published(metric, p, v)))[1]
    for a, b in zip(change, force, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("metric", [Invariant(), Mixed(), Embedded()])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", PAIRS)
def test_taylor_has_its_order(name: str, order: int, metric: AbstractMetric, generator: torch.Generator) -> None:
    """Halving the velocity divides the error by 2 ** (order + 1)."""
    params = parameters(generator)
    errors = []
    unit = 0.02 if isinstance(metric, Invariant) or name.startswith("chain") else 0.3  # mixed speeds are absolute
    for speed in (2 * unit, unit):
        start = Start(PAIRS[name](), params, speed)
        errors.append(distance(start.end(metric, Taylor(order)), start.end(metric, RungeKutta(64))))
    slope = float(torch.tensor(errors[0] / errors[1]).log2())
    assert abs(slope - (Taylor(order).order + 1)) < 0.15


@pytest.mark.parametrize("metric", [Invariant(), Mixed(), Embedded()])
def test_runge_kutta_has_its_order(metric: AbstractMetric, generator: torch.Generator) -> None:
    start = Start(group(QUERY_KEY), parameters(generator), 1.0)
    truth = start.end(metric, RungeKutta(256))
    errors = [distance(start.end(metric, RungeKutta(steps)), truth) for steps in (4, 8)]
    assert abs(float(torch.tensor(errors[0] / errors[1]).log2()) - RungeKutta(4).order) < 0.5


@pytest.mark.parametrize(("metric", "geodesic"), [(Invariant(), Exact()), (Mixed(), SMOOTH), (Embedded(), SMOOTH)])
@pytest.mark.parametrize("name", PAIRS)
def test_speed_is_constant_and_velocity_horizontal(
    name: str, metric: AbstractMetric, geodesic: AbstractGeodesic, generator: torch.Generator
) -> None:
    start = Start(PAIRS[name](), parameters(generator), 0.8)
    space = Quotient(start.symmetry, metric, geodesic, rest="frozen")
    for time in (0.0, 0.5, 1.0):
        here, velocity = along(start, metric, geodesic, time)
        chart = space.chart(here)
        x = chart.coordinates(velocity)
        assert abs(float(length(x)) - 0.8) < 1e-7  # central differences with step 1e-4
        assert float(length(combined(chart.project(x), -1.0, x))) < 1e-7


def along(start: Start, metric: AbstractMetric, geodesic: AbstractGeodesic, time: float) -> tuple[Params, Tangent]:
    """The point at a time and the velocity there, by central differences."""
    h = 1e-4
    here, before, after = (start.end(metric, geodesic, time + dt) for dt in (0.0, -h, h))
    return here, {name: (after[name] - before[name]) / (2 * h) for name in here}


def test_products_on_embedded_geodesics_accelerate_along_the_normals_of_their_manifold(
    generator: torch.Generator,
) -> None:
    """Central differences with step 1e-3; the matrices of rank h are curved, so that the acceleration is not zero."""
    start, step = Start(group(QUERY_KEY), parameters(generator), 1.0), 1e-3
    factors = [QUERY_KEY.stack(start.end(Embedded(), REFERENCE, 0.4 + dt)) for dt in (-step, 0.0, step)]
    before, here, after = (g @ h.mH for g, h in factors)
    acceleration = (after - 2 * here + before) / step**2
    left, right = (torch.linalg.qr(f).Q for f in factors[1])
    assert float(acceleration.norm()) > 1e-2
    assert float((left.mH @ acceleration).norm()) < 1e-5
    assert float((acceleration @ right).norm()) < 1e-5


def test_exact_is_the_same_curve_at_every_speed(generator: torch.Generator) -> None:
    """exp(t v) followed for one more t, from the point and the velocity there, is exp(2 t v)."""
    start = Start(group(QUERY_KEY), parameters(generator), 1.2)
    middle, velocity = along(start, Invariant(), Exact(), 0.5)
    space = Quotient(start.symmetry, rest="frozen")
    onward = space.exp(middle, {name: 0.5 * v for name, v in velocity.items()})
    assert distance(onward, start.end(Invariant(), Exact())) < 1e-7  # the velocity is a central difference


@pytest.mark.parametrize(
    ("metric", "geodesic"),
    [(Invariant(), Exact()), (Invariant(), Taylor(3)), (Mixed(), Taylor(2)), (Mixed(), RungeKutta(3))],
)
def test_exp_is_twice_differentiable_at_the_point_and_away(
    metric: AbstractMetric, geodesic: AbstractGeodesic, generator: torch.Generator
) -> None:
    """A Hessian of the loss goes through the exponential map: first and second derivatives by finite differences."""
    chart = Quotient(group(QUERY_KEY, *CHAIN), metric, geodesic, rest="frozen").chart(parameters(generator))
    u, v = chart.random(generator), chart.random(generator)
    weights = {name: torch.randn(p.shape, generator=generator, dtype=p.dtype) for name, p in chart.point.items()}

    def f(s: Tensor, t: Tensor) -> Tensor:
        x = tuple(a * s + b * t for a, b in zip(u, v, strict=True))
        return sum((weights[n] * p).square().sum() for n, p in chart.exp(x).items())  # type: ignore[return-value]

    for at in (0.0, 0.2):
        s = torch.tensor([at, at], dtype=torch.float64)
        hessian = torch.autograd.functional.hessian(f, (s[0], s[1]))
        step = 1e-4
        corners = [f(s[0] + a * step, s[1] + b * step) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
        mixed = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * step**2)
        torch.testing.assert_close(hessian[0][1], mixed, rtol=1e-5, atol=1e-5)


def exponentials(x: Tensor, basis: Tensor) -> Tensor:
    """The closed form as it stands in the docstring, for S = I."""
    m, k, identity = x.mH @ basis, x.mH @ x, torch.eye(x.shape[-1], dtype=x.dtype).expand(len(x), -1, -1)
    b = torch.cat([torch.cat([-m, -k], -1), torch.cat([identity, m.mH], -1)], -2)
    start = torch.cat([identity, torch.zeros_like(m)], -2)
    return torch.linalg.matrix_exp(b) @ start @ torch.linalg.matrix_exp(m) - start


def series(x: Tensor, basis: Tensor) -> Tensor:
    gram = Gram(x.mH @ basis, x.mH @ x)
    identity = torch.eye(x.shape[-1], dtype=x.dtype)
    return InvariantSpray([gram], (), (identity,)).closed_form(())[0]


def factor(generator: torch.Generator, norm: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Velocities of a given spectral norm, and orthonormal columns."""
    x, basis = (torch.randn(3, 5, 2, generator=generator, dtype=dtype) for _ in range(2))
    return norm * x / torch.linalg.matrix_norm(x, ord=2)[:, None, None], torch.linalg.qr(basis)[0]


def test_bounds_are_on_spectral_norms(generator: torch.Generator) -> None:
    x, basis = factor(generator, 0.3, torch.complex128)
    length, inside = Gram(x.mH @ basis, x.mH @ x).bounds
    assert 0.3 <= length <= 0.3 * 2**0.25 * (1 + 1e-12)  # the Frobenius norm of K, a 2 x 2 matrix, for the spectral one
    assert float(torch.linalg.matrix_norm(x.mH @ basis, ord=2).max()) <= inside <= length
    assert Gram(x.mH @ basis, x.mH @ x, reach=0.5).bounds == (0.5, 0.5)


@pytest.mark.parametrize("norm", [0.0, 1e-3, 0.3, 0.6, 2.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_series_agrees_with_the_exponentials(norm: float, dtype: torch.dtype, generator: torch.Generator) -> None:
    x, basis = factor(generator, norm, dtype)
    torch.testing.assert_close(series(x, basis), exponentials(x, basis), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("norm", [1e-3, 0.3])
def test_series_has_derivatives_as_good_as_its_values(norm: float, generator: torch.Generator) -> None:
    x, basis = factor(generator, norm, torch.float64)
    u, v = (torch.randn(x.shape, generator=generator, dtype=x.dtype) for _ in range(2))

    def second(displacement: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        def slope(at: Tensor) -> Tensor:
            return torch.func.jvp(lambda y: displacement(y, basis), (at,), (u,))[1]

        return torch.func.jvp(slope, (x,), (v,))[1]

    torch.testing.assert_close(second(series), second(exponentials), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_series_is_no_longer_than_it_needs_to_be(dtype: torch.dtype) -> None:
    """One term less, or as many for one derivative more, would be seen in the working precision."""
    for bound in (1e-6, 1e-3, 0.1, 1.9):
        degree = series_degree(bound, dtype, 0)
        left_out = [bound**j / math.factorial(j) for j in (degree, degree + 1)]
        assert left_out[1] <= torch.finfo(dtype).eps / 2 < left_out[0] or degree == 2
        assert series_degree(bound, dtype, 1) == max(2, degree + (left_out[0] > torch.finfo(dtype).eps / 2))


def test_series_arithmetic_is_that_of_functions(generator: torch.Generator) -> None:
    """Coefficients against the values of the functions at a small argument."""
    a, b = (
        [torch.randn(3, 3, generator=generator, dtype=torch.float64) + 3.0 * (k == 0) * torch.eye(3) for k in range(6)]
        for _ in range(2)
    )
    t = 1e-2

    def value(series: Series | list[Tensor]) -> Tensor:
        coefficients = series.coefficients if isinstance(series, Series) else series
        return torch.stack([c * t**k for k, c in enumerate(coefficients)]).sum(0)

    x, y = Series(a), Series(b)
    # truncation leaves terms of order t ** 6 = 1e-12 with coefficients up to about 1e3
    for series, expected in (
        (x + y, value(a) + value(b)),
        (x - y, value(a) - value(b)),
        (x @ y, value(a) @ value(b)),
        (x * y, value(a) * value(b)),
        (x.mH, value(a).mH),
        (x.inverse(), value(a).inverse()),
    ):
        torch.testing.assert_close(value(series), expected, rtol=0, atol=1e-8)


def test_orders_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="order >= 1, got 0"):
        Taylor(0)
    with pytest.raises(ValueError, match="steps >= 1, got 0"):
        RungeKutta(0)


def published(metric: AbstractMetric, p: tuple[Tensor, ...], v: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Minus the Christoffel terms as printed (da Silva et al. 2025), for either metric."""
    (g, h), (vg, vh) = p, v
    si, ti = (g.mH @ g).inverse(), (h.mH @ h).inverse()
    if isinstance(metric, Invariant):
        return (
            vg @ si @ (vg.mH @ g + g.mH @ vg) - g @ si @ vg.mH @ vg,
            vh @ ti @ (vh.mH @ h + h.mH @ vh) - h @ ti @ vh.mH @ vh,
        )
    return (
        -(vg @ (vh.mH @ h + h.mH @ vh) @ ti - g @ (vh.mH @ vh) @ ti),
        -(vh @ (vg.mH @ g + g.mH @ vg) @ si - h @ (vg.mH @ vg) @ si),
    )


def integrated(metric: AbstractMetric, p: tuple[Tensor, ...], v: tuple[Tensor, ...], steps: int = 400) -> list[Tensor]:
    """Runge-Kutta on the first-order system, written flat."""
    y, dt = [*p, *v], 1.0 / steps

    def rate(y: list[Tensor]) -> list[Tensor]:
        return [*y[2:], *published(metric, tuple(y[:2]), tuple(y[2:]))]

    for _ in range(steps):
        k1 = rate(y)
        k2 = rate([a + dt / 2 * k for a, k in zip(y, k1, strict=True)])
        k3 = rate([a + dt / 2 * k for a, k in zip(y, k2, strict=True)])
        k4 = rate([a + dt * k for a, k in zip(y, k3, strict=True)])
        y = [a + dt / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in zip(y, k1, k2, k3, k4, strict=True)]
    return y[:2]
