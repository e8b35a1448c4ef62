import math

import pytest
import torch

from measures import MatrixOperator, hessian_spectrum, operator_spectrum
from quotient import Adaptive, Euclidean, Quotient

EIGENVALUES = [-2.0, 0.0, 0.25, 0.5, 1.0, 4.0, 9.0, 20.0]


def point(n):
    return {"w": torch.ones(n, dtype=torch.float64)}


def all_directions(n):
    """An orthonormal basis as probes: traces of functions come out without noise."""
    return [{"w": row} for row in torch.eye(n, dtype=torch.float64)]


def test_eigenvalues_are_those_of_the_dense_hessian(classifier, dense_hessian, generator):
    loss, params = classifier(attention=True)
    expected = torch.linalg.eigvalsh(dense_hessian(loss, params)).flip(0)
    spectrum = hessian_spectrum(loss, params, probes=3, steps=60, top=5, generator=generator)
    torch.testing.assert_close(spectrum.eigenvalues, expected[:5], rtol=1e-8, atol=1e-10)
    distance = (spectrum.eigenvalues.unsqueeze(1) - expected).abs().min(dim=1).values
    assert (distance <= spectrum.residuals + 1e-10).all()


def test_few_steps_bound_the_eigenvalues_from_below(classifier, dense_hessian, generator):
    loss, params = classifier()
    expected = torch.linalg.eigvalsh(dense_hessian(loss, params)).flip(0)
    spectrum = hessian_spectrum(loss, params, probes=4, steps=6, generator=generator)
    assert len(spectrum.eigenvalues) == 6
    assert (spectrum.eigenvalues <= expected[:6] + 1e-12).all()


def test_more_steps_than_dimensions_are_not_taken(quadratic, symmetric, generator):
    spectrum = hessian_spectrum(quadratic(symmetric(*EIGENVALUES)), point(8), probes=2, steps=500, generator=generator)
    assert all(run.steps == 8 for run in spectrum.runs)
    expected = torch.tensor(EIGENVALUES, dtype=torch.float64).flip(0)
    torch.testing.assert_close(spectrum.eigenvalues, expected, rtol=1e-10, atol=1e-10)


def test_trace_is_exact_on_a_basis_of_probes(quadratic, symmetric):
    loss = quadratic(symmetric(*EIGENVALUES))
    for steps in (1, 3, 8):  # the trace is the first moment: one step has it
        spectrum = hessian_spectrum(loss, point(8), steps=steps, directions=all_directions(8))
        assert spectrum.trace == pytest.approx(sum(EIGENVALUES), rel=1e-12)


def test_standard_error_of_the_trace_covers_the_truth_as_often_as_it_says(quadratic, symmetric, generator):
    loss = quadratic(symmetric(*EIGENVALUES))
    hits = 0
    for _ in range(100):
        spectrum = hessian_spectrum(loss, point(8), probes=12, steps=1, generator=generator)
        hits += abs(spectrum.trace - sum(EIGENVALUES)) < 2 * spectrum.trace_stderr
    assert hits >= 90  # 95 %, less two standard deviations


def test_single_probe_has_stated_errors(quadratic, symmetric, generator):
    spectrum = hessian_spectrum(quadratic(symmetric(*EIGENVALUES)), point(8), probes=1, generator=generator)
    grid = spectrum.grid()
    for error in (spectrum.trace_stderr, spectrum.renyi_stderr(0.5), spectrum.density_stderr(grid).max().item()):
        assert 0 < error < math.inf


def test_norms_ranks_and_determinants_are_exact_on_a_basis_of_probes(quadratic, symmetric):
    spectrum = hessian_spectrum(quadratic(symmetric(*EIGENVALUES)), point(8), directions=all_directions(8))
    values = torch.tensor(EIGENVALUES, dtype=torch.float64)
    moduli = values.abs()
    assert spectrum.frobenius_norm().value == pytest.approx(moduli.square().sum().sqrt().item(), rel=1e-10)
    assert spectrum.nuclear_norm().value == pytest.approx(moduli.sum().item(), rel=1e-10)
    rank = (moduli.sum().square() / moduli.square().sum()).item()
    assert spectrum.effective_rank().value == pytest.approx(rank, rel=1e-10)
    assert spectrum.effective_rank(0.0).value == pytest.approx(7.0, rel=1e-10)
    p = moduli[moduli > 0] / moduli.sum()
    assert spectrum.effective_rank(1.0).value == pytest.approx((-(p * p.log()).sum()).exp().item(), rel=1e-8)
    expected = (moduli + 0.1).log().sum().item()
    assert spectrum.log_determinant(0.1).value == pytest.approx(expected, rel=1e-10)


def test_norms_ranks_and_determinants_hold_within_their_stated_errors(symmetric, generator):
    values = torch.logspace(-4, 2, 80, dtype=torch.float64)
    operator = MatrixOperator(symmetric(*values.tolist()))
    spectrum = operator_spectrum(operator, steps=25, outliers=5, generator=generator)
    truths = {
        spectrum.frobenius_norm(): values.square().sum().sqrt(),
        spectrum.nuclear_norm(): values.sum(),
        spectrum.effective_rank(): values.sum().square() / values.square().sum(),
        spectrum.log_determinant(0.1): torch.logdet(operator.matrix + 0.1 * torch.eye(80)),
    }
    for found, truth in truths.items():
        assert abs(found.value - truth.item()) < 2 * found.stderr
        assert found.stderr < 0.15 * max(abs(truth.item()), 80)  # a determinant: per dimension
    assert spectrum.products == 8 * 25 + spectrum.outliers.products


def test_damping_must_be_positive(quadratic, symmetric, generator):
    spectrum = hessian_spectrum(quadratic(symmetric(*EIGENVALUES)), point(8), probes=1, generator=generator)
    with pytest.raises(ValueError, match="damping must be positive"):
        spectrum.log_determinant(0.0)


def test_outliers_are_reported_and_deflated(symmetric, generator):
    values = [50.0, -30.0, 20.0, *[0.1 * i for i in range(17)]]
    operator = MatrixOperator(symmetric(*values))
    spectrum = operator_spectrum(operator, probes=2, steps=17, top=5, outliers=3, generator=generator)
    torch.testing.assert_close(spectrum.outliers.values, torch.tensor(values[:3], dtype=torch.float64))
    expected = torch.tensor([50.0, 20.0, 1.6, 1.5, 1.4], dtype=torch.float64)
    torch.testing.assert_close(spectrum.eigenvalues, expected, rtol=1e-8, atol=0)
    assert all(run.nodes.abs().max() < 2 for run in spectrum.runs)
    assert spectrum.trace == pytest.approx(sum(values), abs=2 * spectrum.trace_stderr)


@pytest.mark.parametrize("width", [None, 0.5])
def test_density_integrates_to_one(classifier, generator, width):
    loss, params = classifier()
    spectrum = hessian_spectrum(loss, params, probes=3, steps=20, generator=generator)
    grid = spectrum.grid(4000, width=width)
    assert torch.trapezoid(spectrum.density(grid, width=width), grid).item() == pytest.approx(1.0, abs=1e-5)


def test_density_is_that_of_the_smoothed_eigenvalues(quadratic, symmetric):
    spectrum = hessian_spectrum(quadratic(symmetric(*EIGENVALUES)), point(8), directions=all_directions(8))
    grid = torch.linspace(-5, 25, 100, dtype=torch.float64)
    normal = torch.distributions.Normal(torch.tensor(EIGENVALUES, dtype=torch.float64), 0.7)
    expected = normal.log_prob(grid.unsqueeze(1)).exp().mean(dim=1)
    torch.testing.assert_close(spectrum.density(grid, width=0.7), expected, rtol=1e-9, atol=1e-12)


def test_density_from_random_probes_is_right_within_its_standard_error(quadratic, symmetric, generator):
    spectrum = hessian_spectrum(quadratic(symmetric(*EIGENVALUES)), point(8), probes=200, generator=generator)
    grid = torch.tensor(EIGENVALUES, dtype=torch.float64)
    normal = torch.distributions.Normal(grid, 0.3)
    expected = normal.log_prob(grid.unsqueeze(1)).exp().mean(dim=1)
    error = (spectrum.density(grid, width=0.3) - expected).abs() / spectrum.density_stderr(grid, width=0.3)
    assert error.max() < 4


def test_vertical_and_pinned_directions_are_no_part_of_the_spectrum(low_rank, quadratic, symmetric, generator):
    loss, params, symmetry = low_rank
    spectrum = hessian_spectrum(loss, params, Quotient(symmetry), probes=1, steps=100, generator=generator)
    assert spectrum.dimension == 18 - 4
    assert spectrum.runs[0].steps == 14
    assert spectrum.runs[0].nodes.abs().min() > 1e-8
    w = {"w": torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64)}
    loss = quadratic(torch.diag(torch.tensor([1.0, 50.0, 3.0], dtype=torch.float64)))
    pinned = hessian_spectrum(loss, w, Adaptive(), probes=2, generator=generator)
    torch.testing.assert_close(pinned.eigenvalues, torch.tensor([12.0, 1.0], dtype=torch.float64))


def test_spectrum_on_the_quotient_belongs_to_the_orbit(low_rank, generator):
    loss, params, symmetry = low_rank
    g = symmetry.random(generator, condition=1e3)
    moved = symmetry.act(g, params)
    geometry = Quotient(symmetry)
    directions = [geometry.random(params, generator) for _ in range(3)]
    carried = [symmetry.act(g, u) for u in directions]  # this action is linear
    here = hessian_spectrum(loss, params, geometry, steps=10, directions=directions)
    there = hessian_spectrum(loss, moved, geometry, steps=10, directions=carried)
    assert there.trace == pytest.approx(here.trace, rel=1e-6)
    assert there.renyi(0.5) == pytest.approx(here.renyi(0.5), rel=1e-6)
    torch.testing.assert_close(there.eigenvalues[:3], here.eigenvalues[:3], rtol=1e-6, atol=0)
    flat_here, flat_there = (
        hessian_spectrum(loss, p, Euclidean(), probes=1, generator=generator).eigenvalues[0] for p in (params, moved)
    )
    assert abs(flat_there / flat_here - 1) > 0.1


def test_same_generator_state_gives_the_same_spectrum(classifier):
    loss, params = classifier()
    once, again = (
        hessian_spectrum(loss, params, probes=2, steps=5, generator=torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert once.trace == again.trace
    assert torch.equal(once.eigenvalues, again.eigenvalues)


@pytest.mark.parametrize("name", ["probes", "steps", "top"])
def test_counts_must_be_positive(quadratic, name):
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        hessian_spectrum(quadratic(torch.eye(8).double()), point(8), **{name: 0})


def test_geometry_without_directions_is_refused(quadratic):
    w = {"w": torch.zeros(8, dtype=torch.float64)}
    with pytest.raises(ValueError, match="no direction to move in"):
        hessian_spectrum(quadratic(torch.eye(8).double()), w, Adaptive())


def test_zero_hessian_has_no_distribution_and_no_width(quadratic):
    spectrum = hessian_spectrum(quadratic(torch.zeros(8, 8).double()), point(8), probes=2)
    assert spectrum.trace == spectrum.frobenius_norm().value == spectrum.nuclear_norm().value == 0.0
    with pytest.raises(ValueError, match="no distribution"):
        spectrum.renyi(0.5)
    with pytest.raises(ValueError, match="give width="):
        spectrum.density(torch.zeros(1))
