r"""Diagonal linear networks: every measure meets its closed form (da Silva et al. 2025, sections 5.1, D and E).

With orthonormal data :math:`L = |\beta - c|^2 + \text{const}` for :math:`\beta = u v`. A horizontal velocity is
:math:`\xi_u / u = \xi_v / v = b`. The invariant geodesic is :math:`\beta e^{2b}` with :math:`|\xi|^2 = 2 |b|^2`; the
mixed one :math:`\beta (1 + 2b)` with :math:`|\xi|^2 = 2 |\beta b|^2`, a straight line of the product.
"""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor, nn

from measures import (
    EmpiricalLoss,
    average_case_sharpness,
    hessian_spectrum,
    renyi_sharpness,
    worst_case_sharpness,
)
from quotient import AbstractGeometry, Adaptive, Exact, Invariant, Mixed, Quotient, RungeKutta, Taylor, length
from symmetries import Params, declare, diagonal

D, RADIUS = 4, 0.2


class Diagonal(nn.Module):
    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.u = nn.Parameter(0.5 + torch.rand(D, generator=generator, dtype=torch.float64))
        self.v = nn.Parameter(-0.5 - torch.rand(D, generator=generator, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x @ (self.u * self.v)


class Problem:
    """A network, orthonormal data, and the coefficients that fit them."""

    def __init__(self, generator: torch.Generator, *, at_minimum: bool = False) -> None:
        self.model = Diagonal(generator)
        self.beta = (self.model.u * self.model.v).detach()
        noise = 0.0 if at_minimum else 1.0
        self.c = self.beta + noise * torch.randn(D, generator=generator, dtype=torch.float64)
        x = torch.linalg.qr(torch.randn(9, D, generator=generator, dtype=torch.float64))[0]
        self.loss = EmpiricalLoss(
            self.model, lambda f, batch: (f(batch[0]) - batch[1]).square().sum(), [(x, x @ self.c)]
        )
        self.params: Params = {name: p.detach() for name, p in self.model.named_parameters()}
        self.symmetry = declare(self.model, diagonal("u", "v"))

    def quotient(self, name: str) -> Quotient:
        metric, geodesic = (Invariant(), Exact()) if name == "invariant" else (Mixed(), RungeKutta(8))
        return Quotient(self.symmetry, metric, geodesic)

    def worst(self, geometry: AbstractGeometry, steps: int) -> float:
        return worst_case_sharpness(self.loss, self.params, geometry, radius=RADIUS, steps=steps).value


def test_mixed_geodesics_are_straight_lines_of_the_product(generator: torch.Generator) -> None:
    problem = Problem(generator)
    chart = problem.quotient("mixed").chart(problem.params)
    x = chart.random(generator)
    x = tuple(0.1 * a for a in x)
    u = chart.vector(x)
    b = u["u"] / problem.params["u"]
    end = chart.exp(x)
    torch.testing.assert_close(b, u["v"] / problem.params["v"])
    torch.testing.assert_close(end["u"] * end["v"], problem.beta * (1.0 + 2.0 * b), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(length(x).square(), 2.0 * (problem.beta * b).square().sum())


def test_invariant_geodesics_are_exponentials(generator: torch.Generator) -> None:
    problem = Problem(generator)
    chart = problem.quotient("invariant").chart(problem.params)
    x = chart.random(generator)
    b = chart.vector(x)["u"] / problem.params["u"]
    end = chart.exp(x)
    torch.testing.assert_close(end["u"], problem.params["u"] * b.exp(), rtol=1e-12, atol=0)
    torch.testing.assert_close(end["v"], problem.params["v"] * b.exp(), rtol=1e-12, atol=0)
    torch.testing.assert_close(length(x).square(), 2.0 * b.square().sum())


def test_mixed_worst_case_is_that_of_the_product(generator: torch.Generator) -> None:
    r"""The maximum of :math:`|\beta - c + \sqrt 2 x|^2` on the ball."""
    problem = Problem(generator)
    distance = float((problem.beta - problem.c).norm())
    expected = 2 * 2**0.5 * RADIUS * distance + 2 * RADIUS**2
    assert problem.worst(problem.quotient("mixed"), steps=40) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("at_minimum", [False, True])
def test_invariant_worst_case_is_the_brute_force_maximum(at_minimum: bool, generator: torch.Generator) -> None:
    problem = Problem(generator, at_minimum=at_minimum)
    beta, c = problem.beta.numpy(), problem.c.numpy()

    def fall(z):  # type: ignore[no-untyped-def]
        b = RADIUS / 2**0.5 * z / np.linalg.norm(z)  # the maximum is on the sphere
        return ((beta - c) ** 2).sum() - ((beta * np.exp(2 * b) - c) ** 2).sum()

    starts = torch.randn(20, D, generator=generator, dtype=torch.float64).numpy()
    best = max(-minimize(fall, start, tol=1e-12).fun for start in starts)
    start = None
    if at_minimum:  # the gradient is zero there: begin a little away from the point
        start = {"u": 1e-3 * torch.ones(D, dtype=torch.float64), "v": torch.zeros(D, dtype=torch.float64)}
    found = worst_case_sharpness(
        problem.loss, problem.params, problem.quotient("invariant"), radius=RADIUS, steps=400, start=start
    )
    assert found.value == pytest.approx(best, rel=1e-5)


def test_average_case_is_the_second_moment(generator: torch.Generator) -> None:
    r"""Mixed: exactly :math:`2 \sigma^2 d`. Within four standard errors of 250 draws."""
    problem = Problem(generator)
    found = average_case_sharpness(
        problem.loss, problem.params, problem.quotient("mixed"), radius=RADIUS, samples=250, generator=generator
    )
    assert found.stderr is not None
    assert abs(found.value - 2.0 * RADIUS**2) < 4.0 * found.stderr


@pytest.mark.parametrize("name", ["invariant", "mixed"])
def test_spectrum_trace_and_entropy_have_their_closed_forms(name: str, generator: torch.Generator) -> None:
    r"""Invariant: :math:`4 \beta (2 \beta - c)`; mixed: 4, d times."""
    problem = Problem(generator)
    eigenvalues = 4.0 * problem.beta * (2.0 * problem.beta - problem.c)
    if name == "mixed":
        eigenvalues = torch.full((D,), 4.0, dtype=torch.float64)
    geometry = problem.quotient(name)
    spectrum = hessian_spectrum(
        problem.loss, problem.params, geometry, probes=4, steps=D, generator=torch.Generator().manual_seed(1)
    )
    assert geometry.chart(problem.params).dimension == D
    top = eigenvalues.sort(descending=True).values
    torch.testing.assert_close(spectrum.eigenvalues[0], top[0], rtol=1e-8, atol=1e-8)
    if name == "mixed":  # one eigenvalue: every probe sees all of it
        assert spectrum.trace == pytest.approx(4.0 * D, rel=1e-10)
        rest = renyi_sharpness(problem.loss, problem.params, geometry, alpha=2.0, probes=2, generator=generator)
        assert rest.value == pytest.approx(-float(torch.tensor(D).log()), rel=1e-8)
    else:
        # an unlucky start sees little of one eigenvector, and finds its eigenvalue late: hence the wider tolerance
        torch.testing.assert_close(spectrum.eigenvalues, top, rtol=1e-5, atol=0)


@pytest.mark.parametrize("metric", [Invariant(), Mixed()])
def test_gradient_norm_is_the_first_order_case(metric: Invariant | Mixed, generator: torch.Generator) -> None:
    r"""The rise per radius at small radius: :math:`\sqrt 8\, |\beta (\beta - c)|` and :math:`\sqrt 8\, |\beta - c|`."""
    problem = Problem(generator)
    scale = problem.beta if isinstance(metric, Invariant) else torch.ones_like(problem.beta)
    expected = 8**0.5 * float((scale * (problem.beta - problem.c)).norm())
    radius = 1e-6
    found = worst_case_sharpness(
        problem.loss, problem.params, Quotient(problem.symmetry, metric, Taylor(2)), radius=radius, steps=5
    )
    assert found.value / radius == pytest.approx(expected, rel=1e-4)


def test_straight_lines_in_the_elementwise_metric_are_adaptive_sharpness(generator: torch.Generator) -> None:
    """GL(1), Taylor(1), the elementwise metric and no projection: adaptive sharpness, to the last digits."""
    problem = Problem(generator)
    quotient = Quotient(problem.symmetry, Invariant(), Taylor(1), horizontal=False)
    assert problem.worst(quotient, steps=20) == pytest.approx(problem.worst(Adaptive(), steps=20), rel=1e-12)
    directions = [Adaptive().random(problem.params, generator) for _ in range(3)]
    averages = [
        average_case_sharpness(problem.loss, problem.params, g, radius=RADIUS, directions=directions).value
        for g in (quotient, Adaptive())
    ]
    assert averages[0] == pytest.approx(averages[1], rel=1e-10)


def test_first_step_of_the_projected_ascent_is_adaptive_too(generator: torch.Generator) -> None:
    """The gradient is horizontal, so that one step of SAM's kind does not see the projection."""
    problem = Problem(generator)
    values = [
        worst_case_sharpness(problem.loss, problem.params, g, radius=RADIUS, steps=1, method="ascent").value
        for g in (Quotient(problem.symmetry, geodesic=Taylor(1)), Adaptive())
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-12)
