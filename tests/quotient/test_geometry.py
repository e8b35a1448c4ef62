"""The laws of charts and geometries, over a table: a new geometry adds a row and gets them all."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from quotient import (
    AbstractChart,
    AbstractGeometry,
    Adaptive,
    Coordinates,
    Embedded,
    Euclidean,
    Exact,
    Invariant,
    Mixed,
    Quotient,
    RungeKutta,
    Taylor,
    combined,
    dot,
    gaussian,
    length,
    scaled,
    size,
)
from symmetries import Covector, GeneralLinear, ModelSymmetry, Params, Symmetry, Tangent, View, pairing

RTOL = 1e-10  # float64, with a few ill-conditioned solves in between


@dataclass(frozen=True)
class Case:
    """A geometry at a point. Few parameters: some laws are tried on every coordinate."""

    geometry: AbstractGeometry
    params: Params

    @property
    def chart(self) -> AbstractChart:
        return self.geometry.chart(self.params)


def generic() -> Params:
    draws = torch.Generator().manual_seed(1)
    shapes = {"conv.weight": (2, 2, 1, 2), "weight": (3, 4), "bias": (3,), "gain": ()}
    return {name: torch.randn(shape, generator=draws, dtype=torch.float64) for name, shape in shapes.items()}


def with_zeros() -> Params:
    """A zero entry, a zero row and a zero tensor."""
    params = generic()
    params["weight"][0] = 0.0
    params["weight"][1, 2] = 0.0
    params["bias"].zero_()
    return params


def heads(*, metric=Invariant, geodesic=Exact, rest="elementwise") -> Case:  # type: ignore[no-untyped-def]
    """Two attention-like heads, a rescaled unit, and parameters outside both."""
    draws = torch.Generator().manual_seed(2)
    shapes = {"q": (4, 3), "k": (4, 3), "qb": (4,), "in": (1, 3), "out": (2, 1), "weight": (2, 2), "zero": (2,)}
    params = {n: torch.randn(s, generator=draws, dtype=torch.float64) for n, s in shapes.items()}
    params["zero"].zero_()
    pair = Symmetry(
        GeneralLinear(2),
        (View("q", "(copies h) n -> copies n h", copies=2), View("qb", "(copies h) -> copies 1 h", copies=2)),
        (View("k", "(copies h) n -> copies n h", copies=2),),
    )
    unit = Symmetry(
        GeneralLinear(1, positive=True),
        (View("in", "copies n -> copies n 1"),),
        (View("out", "m copies -> copies m 1"),),
    )
    symmetry = ModelSymmetry((pair, unit), {name: p.shape for name, p in params.items()})
    return Case(Quotient(symmetry, metric=metric(), geodesic=geodesic(), rest=rest), params)


CASES: dict[str, Callable[[], Case]] = {
    "Euclidean": lambda: Case(Euclidean(), generic()),
    "Euclidean, zeros": lambda: Case(Euclidean(), with_zeros()),
    "Adaptive elementwise": lambda: Case(Adaptive(), generic()),
    "Adaptive elementwise, zeros": lambda: Case(Adaptive(), with_zeros()),
    "Adaptive elementwise, eta": lambda: Case(Adaptive(eta=0.1), with_zeros()),
    "Adaptive filterwise": lambda: Case(Adaptive("filterwise"), generic()),
    "Adaptive filterwise, zeros": lambda: Case(Adaptive("filterwise"), with_zeros()),
    "Adaptive tensorwise, zeros": lambda: Case(Adaptive("tensorwise"), with_zeros()),
    "Adaptive without biases, zeros": lambda: Case(Adaptive(biases=False), with_zeros()),
    "Quotient, invariant, exact": lambda: heads(),
    "Quotient, invariant, Taylor": lambda: heads(geodesic=lambda: Taylor(2), rest="tensorwise"),
    "Quotient, embedded, Taylor": lambda: heads(metric=Embedded, geodesic=lambda: Taylor(2)),
    "Quotient, mixed, Taylor": lambda: heads(metric=Mixed, geodesic=lambda: Taylor(3), rest="euclidean"),
    "Quotient, mixed, Runge-Kutta": lambda: heads(metric=Mixed, geodesic=lambda: RungeKutta(4), rest="frozen"),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


def draw(case: Case, generator: torch.Generator) -> Params:
    """A tangent or a covector with all entries."""
    return {name: torch.randn(p.shape, generator=generator, dtype=torch.float64) for name, p in case.params.items()}


def close(a: Coordinates | Params, b: Coordinates | Params, *, rtol: float = RTOL, atol: float = 1e-12) -> None:
    torch.testing.assert_close(a, b, rtol=rtol, atol=atol)


def basis(chart: AbstractChart) -> list[Coordinates]:
    zeros = chart.zeros()
    vectors = []
    for i, a in enumerate(zeros):
        for j in range(a.numel()):
            unit = [z.clone(memory_format=torch.contiguous_format) for z in zeros]
            unit[i].view(-1)[j] = 1.0
            vectors.append(tuple(unit))
    return vectors


def test_components_is_the_transpose_of_vector(case: Case, generator: torch.Generator):
    chart, c = case.chart, draw(case, generator)
    x = gaussian(chart.zeros(), generator)
    close(dot(chart.components(c), x), pairing(c, chart.vector(x)))


def test_covector_is_the_transpose_of_coordinates(case: Case, generator: torch.Generator):
    chart, u = case.chart, draw(case, generator)
    x = gaussian(chart.zeros(), generator)
    close(dot(chart.coordinates(u), x), pairing(chart.covector(x), u))


def test_coordinates_inverts_vector_where_the_frame_has_full_rank(case: Case, generator: torch.Generator):
    chart = case.chart
    x = chart.random(generator)
    close(chart.coordinates(chart.vector(x)), x)
    y = gaussian(chart.zeros(), generator)
    close(chart.vector(chart.coordinates(chart.vector(y))), chart.vector(y))


def test_projection_is_linear_idempotent_and_symmetric(case: Case, generator: torch.Generator):
    chart = case.chart
    x, y = (gaussian(chart.zeros(), generator) for _ in range(2))
    close(chart.project(combined(x, 0.7, y)), combined(chart.project(x), 0.7, chart.project(y)))
    close(chart.project(chart.project(x)), chart.project(x))
    close(dot(chart.project(x), y), dot(x, chart.project(y)))


def test_dimension_is_the_trace_of_the_projection(case: Case):
    chart = case.chart
    trace = sum(dot(e, chart.project(e)).item() for e in basis(chart))
    assert chart.dimension == pytest.approx(trace, abs=1e-9)
    assert chart.dimension <= size(chart.zeros())


def test_exp_at_the_origin_is_the_point(case: Case):
    chart = case.chart
    close(chart.exp(chart.zeros()), case.params, rtol=1e-13, atol=1e-15)


def test_the_derivative_of_exp_at_the_origin_is_vector(case: Case, generator: torch.Generator):
    chart, c = case.chart, draw(case, generator)
    x = tuple(a.requires_grad_() for a in chart.zeros())
    slope = torch.autograd.grad(pairing(c, chart.exp(x)), x, materialize_grads=True)
    close(slope, chart.components(c))


def test_exp_is_twice_differentiable(case: Case, generator: torch.Generator):
    """A Hessian product of a function of exp, away from the origin, against central differences of its gradient."""
    chart, c = case.chart, draw(case, generator)
    start, direction = scaled(chart.random(generator), 0.1), chart.random(generator)

    def gradient(x: Coordinates, *, create_graph: bool = False) -> Coordinates:
        value = sum((c[n] * torch.sin(p)).sum() for n, p in chart.exp(x).items())
        return torch.autograd.grad(value, x, create_graph=create_graph, materialize_grads=True)

    x = tuple(a.requires_grad_() for a in start)
    slope = gradient(x, create_graph=True)
    product = torch.autograd.grad(dot(slope, direction), x, materialize_grads=True)
    step = 1e-5  # the error of a central difference is of order step^2
    ahead, behind = (
        gradient(tuple(a.detach().requires_grad_() for a in combined(start, sign * step, direction)))
        for sign in (1.0, -1.0)
    )
    close(product, scaled(combined(ahead, -1.0, behind), 0.5 / step), rtol=1e-6, atol=1e-7)


def test_linearization_is_exp_with_the_transpose_of_its_differential(case: Case, generator: torch.Generator):
    chart, c = case.chart, draw(case, generator)
    x, y = scaled(chart.random(generator), 0.1), chart.random(generator)
    end, pull = chart.linearized(x)
    close(end, chart.exp(x))
    close(dot(pull(c), y), pairing(c, chart.transported(x, y)))  # forward mode
    assert not any(p.requires_grad for p in end.values())
    close(chart.project(pull(c)), pull(c))


def test_linearization_in_the_memory_of_an_earlier_one_is_the_same(case: Case, generator: torch.Generator):
    chart, memory = case.chart, {}
    point = {name: p.clone() for name, p in chart.point.items()}
    for _ in range(3):
        x, c = scaled(chart.random(generator), 0.1), draw(case, generator)
        expected, pull = chart.linearized(x)
        gradient = pull(c)
        end, pull = chart.linearized(x, into=memory)
        close(end, expected)
        close(pull(c), gradient)  # of the covector nothing is left
        memory.update(end)
    close(chart.point, point, rtol=0.0, atol=0.0)


def test_linearization_at_the_origin_is_that_of_the_frame(case: Case, generator: torch.Generator):
    chart, c = case.chart, draw(case, generator)
    close(chart.linearized(chart.zeros())[1](c), chart.project(chart.components(c)))


def test_random_vectors_are_horizontal_standard_and_repeatable(case: Case):
    chart, draws = case.chart, torch.Generator().manual_seed(3)
    samples = [chart.random(draws) for _ in range(300)]
    close(chart.project(samples[0]), samples[0])
    mean = torch.stack([dot(x, x) for x in samples]).mean().item()
    # |x|^2 is chi-squared: five standard errors of its mean over the draws.
    assert abs(mean - chart.dimension) < 5 * (2 * chart.dimension / len(samples)) ** 0.5
    close(chart.random(torch.Generator().manual_seed(3)), samples[0], rtol=0.0, atol=0.0)


def test_sharp_represents_a_covector_in_the_inner_product(case: Case, generator: torch.Generator):
    c = draw(case, generator)
    u = case.geometry.random(case.params, generator)
    close(case.geometry.inner(case.params, case.geometry.sharp(case.params, c), u), pairing(c, u))


def test_flat_and_sharp_are_inverse_to_each_other(case: Case, generator: torch.Generator):
    geometry, p = case.geometry, case.params
    u = geometry.random(p, generator)
    close(geometry.sharp(p, geometry.flat(p, u)), u)
    c = draw(case, generator)
    again: Covector = geometry.flat(p, geometry.sharp(p, c))
    close(pairing(again, u), pairing(c, u))


def test_the_inner_product_is_symmetric_and_gives_the_norm(case: Case, generator: torch.Generator):
    geometry, p = case.geometry, case.params
    u, v = (geometry.random(p, generator) for _ in range(2))
    close(geometry.inner(p, u, v), geometry.inner(p, v, u))
    close(geometry.inner(p, u, u).sqrt(), geometry.norm(p, u))
    assert geometry.norm(p, u).dtype == torch.float64


def test_the_gradient_is_the_projected_sharp_and_the_steepest_ascent(case: Case, generator: torch.Generator):
    geometry, p = case.geometry, case.params
    c = draw(case, generator)
    gradient: Tangent = geometry.gradient(p, c)
    close(gradient, geometry.project(p, geometry.sharp(p, c)))
    steepest = pairing(c, gradient) / geometry.norm(p, gradient)
    for _ in range(5):
        u = geometry.random(p, generator)
        assert pairing(c, u) / geometry.norm(p, u) <= steepest * (1 + RTOL)


def test_projection_of_tangents_is_self_adjoint_in_the_metric(case: Case, generator: torch.Generator):
    geometry, p = case.geometry, case.params
    u, v = (case.chart.vector(gaussian(case.chart.zeros(), generator)) for _ in range(2))
    close(geometry.inner(p, geometry.project(p, u), v), geometry.inner(p, u, geometry.project(p, v)))
    close(geometry.project(p, geometry.project(p, u)), geometry.project(p, u))


def test_pointwise_functions_agree_with_the_chart(case: Case, generator: torch.Generator):
    chart = case.chart
    x = scaled(chart.random(generator), 0.1)
    close(case.geometry.exp(case.params, chart.vector(x)), chart.exp(x))
    close(case.geometry.norm(case.params, chart.vector(x)), length(x))


def test_nothing_writes_into_the_parameters(case: Case, generator: torch.Generator):
    before = {name: p.clone() for name, p in case.params.items()}
    chart, c = case.chart, draw(case, generator)
    x = scaled(chart.project(chart.components(c)), 0.01)
    chart.exp(x)
    chart.covector(chart.coordinates(chart.vector(x)))
    case.geometry.representative(case.params)
    close(case.params, before, rtol=0.0, atol=0.0)


def test_the_representative_has_the_same_parameters(case: Case):
    there = case.geometry.representative(case.params)
    assert {n: p.shape for n, p in there.items()} == {n: p.shape for n, p in case.params.items()}


def test_parameters_that_require_gradients_are_accepted(case: Case, generator: torch.Generator):
    live = {name: p.clone().requires_grad_() for name, p in case.params.items()}
    x = case.chart.random(generator)
    close(case.geometry.chart(live).vector(x), case.chart.vector(x))


def test_single_precision_gives_single_precision(case: Case, generator: torch.Generator):
    single = {name: p.float() for name, p in case.params.items()}
    chart = case.geometry.chart(single)
    x = scaled(chart.random(generator), 0.1)
    assert {a.dtype for a in x} == {p.dtype for p in chart.exp(x).values()} == {torch.float32}
    double = case.chart.exp(tuple(a.double() for a in x))
    close({n: p.double() for n, p in chart.exp(x).items()}, double, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_parameters_that_are_not_finite_are_named(case: Case, value: float):
    spoilt = {name: p.clone() for name, p in case.params.items()}
    spoilt["weight"].view(-1)[0] = value
    with pytest.raises(ValueError, match="weight"):
        case.geometry.chart(spoilt)
