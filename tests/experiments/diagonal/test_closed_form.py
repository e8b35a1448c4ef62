"""Closed forms against brute force, and what they are where the samples are fitted."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from experiments.diagonal.closed_form import (
    CLOSED_FORMS,
    end_of_geodesics,
    equation_8,
    equation_8_least_squares,
    largest_rise,
    published_mixed,
)
from experiments.diagonal.regression import SparseRegression

F64 = torch.float64


@pytest.fixture
def problem(generator: torch.Generator) -> SparseRegression:
    return SparseRegression.draw(6, 4, nonzero=2, noise=0.2, equal=False, generator=generator)


@pytest.fixture
def predictor(generator: torch.Generator) -> Tensor:
    return torch.randn(6, generator=generator, dtype=F64)


def fitted(problem: SparseRegression, predictor: Tensor) -> Tensor:
    """The nearest predictor that fits all samples."""
    return predictor - torch.linalg.pinv(problem.inputs) @ (problem.inputs @ predictor - problem.responses)


@pytest.mark.parametrize("shift", [-3.0, 0.0, 1.0], ids=["concave", "indefinite", "mostly convex"])
def test_the_largest_rise_is_that_of_brute_force(shift: float, generator: torch.Generator) -> None:
    matrix = torch.randn(4, 4, generator=generator, dtype=F64)
    hessian, gradient = matrix + matrix.mT + shift * torch.eye(4), 0.3 * torch.randn(4, generator=generator, dtype=F64)
    h, g = hessian.numpy(), gradient.numpy()

    def fall(z: np.ndarray) -> float:
        x = z * min(1.0, 0.7 / np.linalg.norm(z))
        return -float(g @ x + 0.5 * x @ h @ x)

    starts = torch.randn(20, 4, generator=generator, dtype=F64).numpy()
    best = max(-minimize(fall, start, tol=1e-12).fun for start in starts)
    assert largest_rise(gradient, hessian, 0.7) == pytest.approx(best, rel=1e-6)


def test_the_hard_case_goes_along_the_leading_eigenvector() -> None:
    """The gradient is orthogonal to it: x = (1 / (3 - 1), sqrt(4 - 1/4)) at the multiplier 3."""
    found = largest_rise(torch.tensor([1.0, 0.0]), torch.diag(torch.tensor([1.0, 3.0])), 2.0)
    assert found == pytest.approx(0.5 + 0.5 * 0.25 + 1.5 * 3.75)


def test_without_a_gradient_it_is_the_leading_eigenvalue() -> None:
    assert largest_rise(torch.zeros(3), torch.diag(torch.tensor([1.0, 4.0, 2.0])), 0.5) == pytest.approx(0.5)


@pytest.mark.parametrize("geometry", ["adaptive", "invariant", "mixed"])
def test_closed_forms_are_the_rise_of_the_network(
    geometry: str, problem: SparseRegression, predictor: Tensor, generator: torch.Generator
) -> None:
    """Brute force on the curves themselves, at a radius where the third order is below the tolerance."""
    radius, beta = 1e-4, predictor
    curves = {
        "adaptive": lambda x: beta * (1 + x[:6]) * (1 + x[6:]),
        "invariant": lambda x: beta * (2**0.5 * x[:6]).exp(),
        "mixed": lambda x: beta + 2**0.5 * x[:6],
    }
    entries = 12 if geometry == "adaptive" else 6

    def fall(z: np.ndarray) -> tuple[float, np.ndarray]:
        direction = torch.from_numpy(z).requires_grad_()
        end = curves[geometry](radius * direction / direction.norm())
        value = (problem.loss(beta) - problem.loss(end)) / radius
        (slope,) = torch.autograd.grad(value, direction)
        return value.item(), slope.numpy()

    starts = torch.randn(5, entries, generator=generator, dtype=F64).numpy()
    best = radius * max(-minimize(fall, start, jac=True, tol=1e-14).fun for start in starts)
    assert CLOSED_FORMS[geometry, "closed form"](problem, predictor, radius) == pytest.approx(best, rel=1e-3)


def test_where_the_samples_are_fitted_adaptive_and_invariant_are_equal(
    problem: SparseRegression, predictor: Tensor
) -> None:
    point = fitted(problem, predictor)
    adaptive, invariant = (CLOSED_FORMS[g, "closed form"](problem, point, 0.3) for g in ("adaptive", "invariant"))
    assert adaptive == pytest.approx(invariant, rel=1e-9)


def test_where_the_samples_are_fitted_mixed_does_not_see_the_network(
    problem: SparseRegression, predictor: Tensor
) -> None:
    top = torch.linalg.eigvalsh(problem.hessian)[-1].item()
    for point in (predictor, 2 * predictor, -predictor):
        value = CLOSED_FORMS["mixed", "closed form"](problem, fitted(problem, point), 0.3)
        assert value == pytest.approx(0.3**2 * top, rel=1e-9)


def test_where_the_samples_are_fitted_the_published_mixed_formula_orders_by_length(
    problem: SparseRegression, generator: torch.Generator
) -> None:
    points = [fitted(problem, torch.randn(6, generator=generator, dtype=F64)) for _ in range(10)]
    by_length = sorted(points, key=lambda p: p.norm().item())
    values = [published_mixed(problem, point, 0.3) for point in by_length]
    assert values == sorted(values)


def test_geodesics_end_where_the_first_weight_vanishes() -> None:
    r"""In the coordinate of that weight :math:`b = -1/2`, and the length is :math:`\sqrt 2 |\beta b|`."""
    assert end_of_geodesics(torch.tensor([3.0, -0.5])) == pytest.approx(2**0.5 * 0.5 * 0.5)


def test_both_readings_of_equation_8_agree_under_its_supposition(generator: torch.Generator) -> None:
    """With orthonormal columns, which need as many samples as features."""
    drawn = SparseRegression.draw(4, 8, nonzero=2, noise=0.2, equal=False, generator=generator)
    problem = replace(drawn, inputs=8**0.5 * torch.linalg.qr(drawn.inputs)[0])
    predictor = torch.randn(4, generator=generator, dtype=F64)
    values = [form(problem, predictor, 0.3) for form in (equation_8, equation_8_least_squares)]
    assert values[0] == pytest.approx(values[1], rel=1e-12)
