import pytest
import torch

from measures import average_case_sharpness
from quotient import Adaptive, Euclidean, Quotient


@pytest.mark.parametrize("geometry", [Euclidean(), Adaptive()], ids=lambda g: type(g).__name__)
def test_quadratic_rises_by_half_the_squared_radius_times_the_mean_eigenvalue(
    quadratic, symmetric, generator, geometry
):
    matrix = symmetric(9.0, 4.0, 1.0, 0.5, -2.0)
    w = {"w": torch.tensor([1.0, -0.5, 2.0, 0.3, 1.5], dtype=torch.float64)}
    t = torch.ones(5).double() if isinstance(geometry, Euclidean) else w["w"].abs()
    trace = (matrix.diagonal() * t.square()).sum().item()
    loss = quadratic(matrix, linear=-(matrix @ w["w"]))  # stationary: no noise from the gradient
    for spread, expected in (("ball", 0.1**2 / 2 * trace / 5), ("coordinate", 0.1**2 / 2 * trace)):
        found = average_case_sharpness(loss, w, geometry, radius=0.1, samples=2000, generator=generator, spread=spread)
        assert abs(found.value - expected) < 4 * found.stderr
        assert found.stderr < 0.1 * abs(expected)


def test_basis_as_directions_gives_the_trace_exactly(quadratic, symmetric):
    matrix = symmetric(9.0, 4.0, -1.0)
    w = {"w": torch.ones(3, dtype=torch.float64)}
    directions = [{"w": s * row} for row in torch.eye(3).double() for s in (1, -1)]
    found = average_case_sharpness(
        quadratic(matrix), w, Euclidean(), radius=1.0, spread="coordinate", directions=directions
    )
    assert found.value == pytest.approx(12.0 / 6, rel=1e-12)  # the mean of e'Ae/2 over a basis is the trace / (2 n)


def test_standard_error_covers_the_truth_as_often_as_it_says(quadratic, symmetric, generator):
    loss = quadratic(symmetric(3.0, 2.0, 1.0, 0.5))
    w = {"w": torch.tensor([1.0, 2.0, -1.0, 0.5], dtype=torch.float64)}
    truth = 0.3**2 / 2 * 6.5 / 4
    hits = 0
    for _ in range(200):
        found = average_case_sharpness(loss, w, Euclidean(), radius=0.3, samples=20, generator=generator)
        hits += abs(found.value - truth) < 2 * found.stderr
    assert 0.88 <= hits / 200 <= 0.99  # 2 standard errors of a t with 19 degrees: 94 %, give or take 1.7 %


def test_same_generator_state_gives_the_same_number(classifier):
    loss, params = classifier()
    once, again = (
        average_case_sharpness(
            loss, params, Adaptive(), radius=0.1, samples=3, generator=torch.Generator().manual_seed(7)
        )
        for _ in range(2)
    )
    assert once == again


def test_batches_share_the_draws_and_average_to_the_value(classifier, generator):
    loss, params = classifier()
    found = average_case_sharpness(loss, params, Euclidean(), radius=0.1, samples=5, generator=generator)
    assert sum(found.per_batch) / 2 == pytest.approx(found.value)


def test_single_draw_has_no_standard_error(classifier, generator):
    loss, params = classifier()
    found = average_case_sharpness(loss, params, Euclidean(), radius=0.1, samples=1, generator=generator)
    assert found.stderr is None
    assert str(found) == f"{found.value:.6g}"


def test_transported_draws_give_the_same_number_along_an_orbit(low_rank, generator):
    loss, params, symmetry = low_rank
    geometry, g = Quotient(symmetry), symmetry.random(generator, condition=1e3)
    directions = [geometry.random(params, generator) for _ in range(4)]
    carried = [symmetry.act(g, u) for u in directions]  # this action is linear
    here = average_case_sharpness(loss, params, geometry, radius=0.1, directions=directions)
    there = average_case_sharpness(loss, symmetry.act(g, params), geometry, radius=0.1, directions=carried)
    assert there.value == pytest.approx(here.value, rel=1e-6)


@pytest.mark.parametrize("geometry", [Euclidean(), Adaptive()], ids=lambda g: type(g).__name__)
def test_flat_averages_change_along_an_orbit(low_rank, generator, geometry):
    loss, params, symmetry = low_rank
    moved = symmetry.act(symmetry.random(generator, condition=1e3), params)
    here, there = (
        average_case_sharpness(loss, p, geometry, radius=0.1, samples=200, generator=generator) for p in (params, moved)
    )
    assert abs(there.value - here.value) > 5 * (here.stderr + there.stderr)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": 0.0}, "radius must be positive"),
        ({"radius": 1.0, "samples": 0}, "samples must be positive"),
        ({"radius": 1.0, "spread": "sphere"}, "spread must be 'ball' or 'coordinate', got 'sphere'"),
        ({"radius": 1.0, "directions": []}, "at least one tangent"),
        ({"radius": 1e200}, "smaller radius"),
    ],
)
def test_bad_arguments_are_refused(quadratic, arguments, message):
    w = {"w": torch.ones(2, dtype=torch.float64)}
    with pytest.raises(ValueError, match=message):
        average_case_sharpness(quadratic(torch.eye(2).double()), w, Euclidean(), **arguments)
