"""Gains of one spectrum between two centrings, against the polynomial whose critical points that spectrum is."""

import numpy as np
import pytest
import torch

from symmetries.compression import Compression


@pytest.fixture(params=[2, 3, 4, 9])
def start(request, generator):
    return Compression.of(1 + 0.3 * torch.randn(request.param, generator=generator, dtype=torch.float64))


def number(value: float) -> torch.Tensor:
    return torch.tensor([value], dtype=torch.float64)


def centred(gains: torch.Tensor) -> torch.Tensor:
    p = torch.eye(len(gains), dtype=torch.float64) - 1 / len(gains)
    return p @ gains.diag() @ p


def test_eigenvalues_are_the_critical_points_of_the_polynomial_of_the_gains(start):
    critical = np.sort(np.roots(np.polyder(np.poly(start.gains.numpy()))).real)
    np.testing.assert_allclose(start.eigenvalues.numpy(), critical, atol=1e-9)  # roots of a polynomial lose digits


def test_gains_on_the_curve_are_roots_of_the_polynomial_plus_a_constant(start):
    before, after = (np.poly(gains.numpy()) for gains in (start.gains, start.along(number(1.5))))
    np.testing.assert_allclose(after[:-1], before[:-1], rtol=1e-13)
    assert abs(after[-1] / before[-1] - 1) > 1e-7


def test_rotation_carries_one_compression_into_the_other(start):
    end = Compression.of(start.along(number(-0.8)))
    rotation, d = start.rotation_to(end), len(start.gains)
    torch.testing.assert_close(rotation @ centred(start.gains) @ rotation.mT, centred(end.gains), rtol=0, atol=1e-14)
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(d, dtype=torch.float64), rtol=0, atol=1e-14)
    torch.testing.assert_close(rotation.sum(1), torch.ones(d, dtype=torch.float64), rtol=0, atol=1e-14)


def test_steps_add_up(start):
    halfway = Compression.of(start.along(number(0.7)))
    end, other = Compression.of(halfway.along(number(-1.9))), Compression.of(start.along(number(-1.2)))
    torch.testing.assert_close(end.gains, other.gains, rtol=0, atol=1e-13)
    rotation = halfway.rotation_to(end) @ start.rotation_to(halfway)
    torch.testing.assert_close(rotation, start.rotation_to(other), rtol=0, atol=1e-11)  # eigenvectors: over their gaps


def test_velocities_are_derivatives(start):
    step = 1e-4
    ahead, behind = (Compression.of(start.along(number(s))) for s in (step, -step))
    # Central differences: an error of step^2, and rounding of eigenvectors over the step.
    torch.testing.assert_close((ahead.gains - behind.gains) / (2 * step), start.velocity, rtol=0, atol=1e-7)
    turned = (start.rotation_to(ahead) - start.rotation_to(behind)) / (2 * step)
    torch.testing.assert_close(turned, start.angular_velocity, rtol=0, atol=1e-7)


def test_velocity_is_one_over_the_derivative_of_the_polynomial(start):
    slopes = np.polyval(np.polyder(np.poly(start.gains.numpy())), start.gains.numpy())
    products = -start.velocity.numpy() * slopes
    np.testing.assert_allclose(products, products[0], rtol=1e-8)
    assert products[0] > 0


def test_the_curve_ends_where_two_gains_meet(start):
    distances = [start.along(number(s)).sort().values.diff().min().item() for s in (0.0, 20.0)]
    assert distances[1] < 1e-3 * distances[0]


def test_three_gains_move_on_a_circle(generator):
    start = Compression.of(torch.randn(3, generator=generator, dtype=torch.float64))
    end = Compression.of(start.along(number(0.9)))
    rotation = start.rotation_to(end)
    torch.testing.assert_close(rotation @ rotation @ end.gains, start.gains)  # the claim "isospectral_curve"


def test_equal_gains_are_a_point(generator):
    gains = torch.randn(5, generator=generator, dtype=torch.float64)
    assert not Compression.of(gains).is_degenerate
    gains[3] = gains[1]
    assert Compression.of(gains).is_degenerate
    assert Compression.of(torch.ones(5, dtype=torch.float64)).is_degenerate


def test_a_wide_model_keeps_its_digits(generator):
    """The polynomial of 300 gains takes values below the range of floats."""
    start = Compression.of(1 + 0.1 * torch.randn(300, generator=generator, dtype=torch.float64))
    end = Compression.of(start.along(number(1.0)))
    rotation = start.rotation_to(end)
    torch.testing.assert_close(rotation @ centred(start.gains) @ rotation.mT, centred(end.gains), rtol=0, atol=1e-13)
    assert (end.gains - start.gains).abs().max() > 1e-6
