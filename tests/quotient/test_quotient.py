"""Laws of the quotient: the group acts by isometries, geodesics go along, vertical directions are removed."""

import pytest
import torch

from quotient import (
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
    length,
    scaled,
    size,
)
from symmetries import (
    Element,
    Gain,
    GeneralLinear,
    ModelSymmetry,
    Params,
    ReaderMean,
    Symmetry,
    Tangent,
    View,
    WriterMean,
    pairing,
)
from tests.quotient.cases import CHAIN, GROUPS, QUERY_KEY, VALUE_OUTPUT, group, parameters, unit

GEOMETRIES = {
    "invariant, exact": (Invariant(), Exact()),
    "invariant, Taylor 1": (Invariant(), Taylor(1)),
    "invariant, Taylor 2": (Invariant(), Taylor(2)),
    "mixed, Taylor 2": (Mixed(), Taylor(2)),
    "mixed, Runge-Kutta": (Mixed(), RungeKutta(4)),
    "embedded, Taylor 2": (Embedded(), Taylor(2)),
}
# Elements of condition 1e3 leave float64 about 1e-16 * 1e3^2 relative accuracy in a Gram matrix, which is squared once
# more in the balanced basis' spectrum.
RTOL = 1e-8


def moved(symmetry: ModelSymmetry, g: Element, params: Params, tangent: Tangent) -> tuple[Params, Tangent]:
    """A point and a tangent, both moved by ``g``."""
    return symmetry.act(g, params), symmetry.push(g, params, tangent)


def relative(a: Params, b: Params) -> float:
    """The largest entry of ``a - b`` in units of the largest of each tensor."""
    return max(float((a[n] - b[n]).abs().max() / a[n].abs().max().clamp_min(1e-300)) for n in a)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("name", GROUPS)
def test_group_acts_by_isometries_and_carries_geodesics(name: str, geometry: str, generator: torch.Generator) -> None:
    symmetry, params = GROUPS[name](), parameters(generator)
    space = Quotient(symmetry, *GEOMETRIES[geometry])
    u = space.random(params, generator)
    u = {n: 0.3 * v / space.norm(params, u) for n, v in u.items()}
    g = symmetry.random(generator, condition=1e3)
    there, pushed = moved(symmetry, g, params, u)
    torch.testing.assert_close(space.norm(there, pushed), space.norm(params, u), rtol=RTOL, atol=0)
    assert relative(symmetry.act(g, space.exp(params, u)), space.exp(there, pushed)) < RTOL


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("name", GROUPS)
def test_linearization_is_that_of_exp(name: str, geometry: str, generator: torch.Generator) -> None:
    params = parameters(generator)
    chart = Quotient(GROUPS[name](), *GEOMETRIES[geometry]).chart(params)
    x, y = scaled(chart.random(generator), 0.1), chart.random(generator)
    c = {n: torch.randn(p.shape, generator=generator, dtype=p.dtype) for n, p in params.items()}
    end, pull = chart.linearized(x)
    assert relative(chart.exp(x), end) < 1e-12
    torch.testing.assert_close(dot(pull(c), y), pairing(c, chart.transported(x, y)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rest", ["elementwise", "tensorwise", "frozen"])
@pytest.mark.parametrize("name", GROUPS)
def test_linearization_in_the_memory_of_an_earlier_one_is_the_same(name, rest, generator: torch.Generator) -> None:
    params, memory = parameters(generator), {}
    chart = Quotient(GROUPS[name](), rest=rest).chart(params)
    for _ in range(3):
        x = scaled(chart.random(generator), 0.1)
        c = {n: torch.randn(p.shape, generator=generator, dtype=p.dtype) for n, p in params.items()}
        expected, pull = chart.linearized(x)
        gradient = pull(c)
        end, pull = chart.linearized(x, into=memory)
        assert relative(end, expected) < RTOL
        torch.testing.assert_close(pull(c), gradient)  # of the covector nothing is left
        memory.update(end)


@pytest.mark.parametrize("name", GROUPS)
def test_representatives_of_one_orbit_have_one_spectrum_of_pairs(name: str, generator: torch.Generator) -> None:
    """Canonical points differ by unitaries that commute with the singular values: all products agree.

    Coupled rescalings have no balanced basis and stay as they are.
    """
    symmetry, params = GROUPS[name](), parameters(generator)
    a, b = (symmetry.canonical(p) for p in (params, symmetry.act(symmetry.random(generator, 1e2), params)))
    for pair in (component[0] for component in symmetry.components() if len(component) == 1):
        (g_a, h_a), (g_b, h_b) = pair.stack(a), pair.stack(b)
        torch.testing.assert_close(g_a @ h_a.mH, g_b @ h_b.mH, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("geometry", [Euclidean(), Adaptive()])
def test_raw_geometries_are_not_invariant(geometry: Euclidean | Adaptive, generator: torch.Generator) -> None:
    """The counter-test: the same elements change Euclidean and adaptive norms."""
    symmetry, params = group(QUERY_KEY), parameters(generator)
    u = {n: torch.zeros_like(p) for n, p in params.items()}
    u["q"] = torch.randn(u["q"].shape, generator=generator, dtype=torch.float64)
    there, pushed = moved(symmetry, symmetry.random(generator, condition=1e3), params, u)
    ratio = float(geometry.norm(there, pushed) / geometry.norm(params, u))
    assert abs(ratio - 1.0) > 1e-2  # six orders above the tolerance of the law


@pytest.mark.parametrize("metric", [Invariant(), Mixed()])
@pytest.mark.parametrize("name", [n for n in GROUPS if n not in ("absorptions", "everything")])
def test_projection_removes_exactly_the_vertical_directions(
    name: str, metric: Invariant | Mixed, generator: torch.Generator
) -> None:
    symmetry, params = GROUPS[name](), parameters(generator)
    chart = Quotient(symmetry, metric, Taylor(2)).chart(params)
    projector = matrix(chart.project, chart.zeros())
    vertical = torch.stack(
        [flattened(chart.coordinates(symmetry.infinitesimal(x, params))) for x in basis(symmetry)], dim=1
    )
    q, r = torch.linalg.qr(vertical)
    assert bool((r.diagonal().abs() > 1e-8).all())  # the vertical directions are independent here
    torch.testing.assert_close(projector, torch.eye(len(q), dtype=q.dtype) - q @ q.mT, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "rest"),
    [(n, "elementwise") for n in GROUPS if n != "absorptions"]
    + [("pairs together", rest) for rest in ("tensorwise", "euclidean", "frozen")],
)
def test_dimension_is_the_rank_of_the_projection(name: str, rest: str, generator: torch.Generator) -> None:
    symmetry = GROUPS[name]()
    chart = Quotient(symmetry, rest=rest).chart(parameters(generator))  # type: ignore[arg-type]
    projector = matrix(chart.project, chart.zeros())
    assert chart.dimension == round(float(projector.trace()))
    if rest != "frozen":
        assert chart.dimension == size(chart.zeros()) - symmetry.dimension


def test_section_is_kept_along_geodesics(generator: torch.Generator) -> None:
    symmetry = GROUPS["everything"]()
    space = Quotient(symmetry)
    point = space.representative(parameters(generator))
    chart = space.chart(point)
    end = chart.exp(scaled(chart.random(generator), 0.05))
    element = symmetry.section(end, balance="none")
    for name, step in element.items():
        away = symmetry[name].inverse(step) - step
        assert float(away.abs().max()) < 1e-10, name


def test_carried_tangents_keep_their_length(generator: torch.Generator) -> None:
    symmetry, params = GROUPS["everything"](), parameters(generator)
    space = Quotient(symmetry)
    u = space.random(params, generator)
    torch.testing.assert_close(
        space.norm(space.representative(params), space.carry(params, u)), space.norm(params, u), rtol=1e-9, atol=0
    )


def test_geometry_is_detached_from_parameters_that_require_gradients(generator: torch.Generator) -> None:
    """``dict(model.named_parameters())`` is a point as good as its detached copy."""
    symmetry, params = GROUPS["everything"](), parameters(generator)
    attached = {name: p.clone().requires_grad_() for name, p in params.items()}
    space = Quotient(symmetry)
    u = space.random(params, generator)
    for operation in (space.project, space.flat, space.sharp, space.carry, space.exp):
        expected, got = operation(params, u), operation(attached, u)
        assert not any(value.requires_grad for value in got.values())
        assert relative(expected, got) < 1e-12
    torch.testing.assert_close(space.norm(attached, u), space.norm(params, u))


def test_single_precision_keeps_the_isometry_to_its_rounding(generator: torch.Generator) -> None:
    symmetry, params = GROUPS["everything"](), parameters(generator, torch.float32)
    space = Quotient(symmetry)
    u = space.random(params, generator)
    there, pushed = moved(symmetry, symmetry.random(generator, condition=100.0), params, u)
    # condition 100 amplifies rounding of 6e-8 by 1e4 at most
    torch.testing.assert_close(space.norm(there, pushed), space.norm(params, u), rtol=1e-3, atol=0)


def test_without_the_projection_every_direction_is_in_the_ball(generator: torch.Generator) -> None:
    params = parameters(generator)
    chart = Quotient(group(*CHAIN), geodesic=Taylor(1), horizontal=False).chart(params)
    flat = Adaptive().chart(params)
    x = {name: torch.randn(p.shape, generator=generator, dtype=p.dtype) for name, p in params.items()}
    assert chart.dimension == flat.dimension == size(chart.zeros())
    torch.testing.assert_close(length(chart.coordinates(x)), length(flat.coordinates(x)))
    end, line = chart.exp(chart.coordinates(x)), flat.exp(flat.coordinates(x))
    assert relative(end, line) < 1e-13


def test_zero_weights_stay_where_they_are(generator: torch.Generator) -> None:
    params = parameters(generator)
    params["free"][0] = 0.0
    params["c2"][0, 1] = 0.0
    chart = Quotient(group(*CHAIN)).chart(params)
    end = chart.exp(chart.random(generator))
    assert bool((end["free"][0] == 0).all())
    assert float(end["c2"][0, 1]) == 0.0
    assert all(bool(torch.isfinite(p).all()) for p in end.values())


@pytest.mark.parametrize("zero", [("v", "vb"), ("o",)], ids=["standard", "dual"])
def test_damping_keeps_the_invariance_of_a_pair_at_its_start(zero: tuple[str, ...], generator: torch.Generator) -> None:
    params = parameters(generator)
    for name in zero:
        params[name].zero_()
    symmetry = group(VALUE_OUTPUT)
    with pytest.raises(ValueError, match="rank-deficient factor pair.*v ~ o"):
        Quotient(symmetry).chart(params)
    space = Quotient(symmetry, geodesic=Taylor(1), damping=0.1)
    u = space.random(params, generator)
    g = symmetry.random(generator, condition=1e3)
    there, pushed = moved(symmetry, g, params, u)
    torch.testing.assert_close(space.norm(there, pushed), space.norm(params, u), rtol=RTOL, atol=0)
    chart, c = space.chart(params), {n: torch.ones_like(p) for n, p in params.items()}
    x = chart.coordinates(u)
    torch.testing.assert_close(chart.linearized(x)[1](c), chart.project(chart.components(c)))  # straight lines
    torch.testing.assert_close(
        flattened(space.chart(params).project(space.chart(params).coordinates(u))),
        flattened(space.chart(params).coordinates(u)),
        rtol=0,
        atol=1e-10,
    )


def test_bad_input_is_refused_with_the_remedy(generator: torch.Generator) -> None:
    symmetry, params = group(QUERY_KEY), parameters(generator)
    with pytest.raises(ValueError, match="no closed-form geodesic.*Taylor"):
        Quotient(symmetry, Mixed(), Exact())
    with pytest.raises(ValueError, match="damped metric"):
        Quotient(symmetry, damping=0.1)
    with pytest.raises(ValueError, match="must not be negative"):
        Quotient(symmetry, geodesic=Taylor(1), damping=-1.0)
    with pytest.raises(ValueError, match="rest must be"):
        Quotient(symmetry, rest="all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="NaN or Inf in \\['q'\\]"):
        Quotient(symmetry).chart(params | {"q": params["q"] * float("nan")})
    deficient = params["q"].clone()
    deficient[0] = deficient[1]
    with pytest.raises(ValueError, match=r"q ~ k \[0\]"):
        Quotient(symmetry).chart(params | {"q": deficient, "qb": torch.zeros_like(params["qb"])})
    with pytest.raises(ValueError, match="nearest are"):
        Quotient(symmetry).chart({"query": params["q"]})


def test_coupled_heads_are_refused_by_name(generator: torch.Generator) -> None:
    first = Symmetry(GeneralLinear(2), (View("a", "h n -> 1 n h"),), (View("b", "m h -> 1 m h"),))
    second = Symmetry(GeneralLinear(2), (View("b", "h n -> 1 n h"),), (View("c", "m h -> 1 m h"),))
    shapes = {name: torch.Size((2, 2)) for name in "abc"}
    with pytest.raises(ValueError, match="'a ~ b'.*coupled GL\\(1\\)"):
        Quotient(ModelSymmetry((first, second), shapes)).chart({n: torch.eye(2) for n in "abc"})


def test_sections_and_coupled_rescalings_share_weights(generator: torch.Generator) -> None:
    """Both kinds of condition hold at once, because a rescaled column of zero mean has zero mean."""
    first, last = View("c1", "o i -> 1 i o"), View("c3", "o i -> 1 o i")
    symmetry = group(*CHAIN, ReaderMean("reader", first), WriterMean("head", (last,)))
    point = symmetry.canonical(parameters(generator))
    chart = Quotient(symmetry, rest="euclidean").chart(point)
    x = chart.random(generator)
    for pin in (first, last):
        means = pin.read(chart.vector(x)).mean(dim=1)
        torch.testing.assert_close(means, torch.zeros_like(means), rtol=0, atol=1e-12)
    for algebra in basis(symmetry):
        assert abs(float(dot(x, chart.coordinates(symmetry.infinitesimal(algebra, point))))) < 1e-10
    projector = matrix(chart.project, chart.zeros())
    torch.testing.assert_close(projector @ projector, projector, rtol=0, atol=1e-10)
    assert chart.dimension == round(float(projector.trace())) == size(chart.zeros()) - symmetry.dimension


def test_chain_projection_is_the_least_squares_fit_of_potentials(generator: torch.Generator) -> None:
    """Against a dense solve, with a unit that has no weights left."""
    params = parameters(generator)
    params["c1"][2], params["cb1"][2], params["c2"][:, 2] = 0.0, 0.0, 0.0
    symmetry = group(*CHAIN)
    chart = Quotient(symmetry).chart(params)
    x = chart.project(tuple(torch.randn(a.shape, generator=generator, dtype=a.dtype) for a in chart.zeros()))
    for algebra in basis(symmetry):
        vertical = chart.coordinates(symmetry.infinitesimal(algebra, params))
        assert abs(float(dot(x, vertical))) < 1e-12
    again = chart.project(x)
    assert float(length(combined(again, -1.0, x))) < 1e-12


def test_single_rescaling_moves_on_a_cylinder(generator: torch.Generator) -> None:
    """GL(1): the log-length changes linearly while the direction turns on a great circle."""
    params = parameters(generator)
    chart = Quotient(group(unit("w1", "b1", "w2")), rest="frozen").chart(params)
    x = scaled(chart.random(generator), 0.4)
    incoming = [
        torch.cat([p["w1"], p["b1"][:, None]], dim=1) for p in (params, chart.exp(scaled(x, 0.5)), chart.exp(x))
    ]
    logs = [row.norm(dim=1).log() for row in incoming]
    torch.testing.assert_close(logs[2] - logs[1], logs[1] - logs[0], rtol=1e-9, atol=1e-12)
    start, middle, end = (torch.nn.functional.normalize(row, dim=1) for row in incoming)
    torch.testing.assert_close(start + end, 2.0 * (start * middle).sum(1, keepdim=True) * middle, rtol=1e-9, atol=1e-9)


def flattened(x: Coordinates) -> torch.Tensor:
    return torch.cat([a.flatten() for a in x])


def matrix(linear, like: Coordinates) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """The matrix of a linear map of coordinates, column by column."""
    sizes = [a.numel() for a in like]
    identity = torch.eye(sum(sizes), dtype=torch.float64)
    columns = (
        linear(tuple(p.reshape(a.shape) for p, a in zip(row.split(sizes), like, strict=True))) for row in identity
    )
    return torch.stack([flattened(c) for c in columns], dim=1)


def basis(symmetry: ModelSymmetry) -> list[Element]:
    """A basis of the Lie algebra of all pairs."""
    elements = []
    for pair in symmetry.pairs:
        zero = torch.zeros_like(pair.random_algebra(symmetry.shapes, generator=None))
        units = (1.0,) if not zero.is_complex() else (1.0, 1.0j)
        for i in range(zero.numel()):
            for value in units:
                x = zero.clone()
                x.view(-1)[i] = value
                elements.append({pair.name: x})
    return elements


def test_a_gain_behind_a_map_must_be_held_at_one(generator: torch.Generator) -> None:
    shapes = {"b": torch.Size((4, 2)), "d": torch.Size((2,)), "a": torch.Size((2, 5))}
    middle, left, right = View("d", "h -> 1 1 h"), View("b", "n h -> 1 n h"), View("a", "h n -> 1 n h")
    pair = Symmetry(GeneralLinear(2), (left,), (right,), gains=((right, middle),))
    params = {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}
    with pytest.raises(ValueError, match="'d' behind one of its maps, and no gain holds that at one"):
        Quotient(ModelSymmetry((pair,), shapes)).random(params, generator)
    whole = ModelSymmetry((pair, Gain("gain", middle, (left,))), shapes)
    geometry, g = Quotient(whole), whole.random(generator)
    u = geometry.random(params, generator)
    moved = whole.push(g, params, u)
    torch.testing.assert_close(geometry.norm(whole.act(g, params), moved), geometry.norm(params, u))
