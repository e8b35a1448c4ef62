"""Stated errors of estimates, on the Hessians of every kind of network: they hold in 95 % of seeded repeats.

The truth comes from the eigenvalues of the dense matrix. Products and estimates see the dense matrix too, which is made
once: that products are right is tested elsewhere, and estimates know the operator from nothing else.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from measures import MatrixOperator, RenyiEntropy, Spectrum, hessian_spectrum, operator_spectrum, trace
from measures.spectra.spectrum import RANK_THRESHOLD
from quotient import Euclidean, Quotient
from symmetries import detect
from tests.integration.curvature_cases import CASES, dense_hessian

EVERY_CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
REPEATS = [20, pytest.param(200, marks=pytest.mark.slow)]
#: Repeats, and how many outliers are found first in each.
SPECTRA = [(20, 10), pytest.param(200, 0, marks=pytest.mark.slow), pytest.param(200, 10, marks=pytest.mark.slow)]
ORDERS = (0.0, 0.5, 0.9, 1.0, 1.1, 1.5, 2.0, float("inf"))


def least(repeats: int) -> float:
    """Hits of an error that holds in 95 % of repeats, less two standard deviations of their number."""
    return repeats * 0.95 - 2 * (repeats * 0.95 * 0.05) ** 0.5


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def matrix(request: pytest.FixtureRequest) -> Tensor:
    hessian = dense_hessian(*request.param(torch.Generator().manual_seed(0)))
    return (hessian + hessian.mT) / 2


@pytest.fixture(scope="module")
def eigenvalues(matrix: Tensor) -> Tensor:
    return torch.linalg.eigvalsh(matrix)


@pytest.mark.parametrize("repeats", REPEATS)
@pytest.mark.parametrize("method", ["hutchinson", "krylov", "hutch++", "xtrace"])
def test_traces(matrix, eigenvalues, generator, method, repeats):
    operator, truth = MatrixOperator(matrix), eigenvalues.sum().item()
    found = [trace(operator, probes=8, method=method, generator=generator) for _ in range(repeats)]
    assert sum(abs(one.value - truth) <= 2 * one.stderr for one in found) >= least(repeats)


def spectra(matrix: Tensor, generator: torch.Generator, repeats: int, outliers: int) -> list[Spectrum]:
    operator = MatrixOperator(matrix)
    return [
        operator_spectrum(operator, probes=4, steps=20, outliers=outliers, generator=generator) for _ in range(repeats)
    ]


@pytest.mark.parametrize(("repeats", "outliers"), SPECTRA)
def test_sums_over_the_spectrum(matrix, eigenvalues, generator, outliers, repeats):
    truths: dict[Callable[[Spectrum], object], float] = {
        lambda s: s.sum(lambda t: t): eigenvalues.sum().item(),
        lambda s: s.frobenius_norm(): eigenvalues.square().sum().sqrt().item(),
        lambda s: s.nuclear_norm(): eigenvalues.abs().sum().item(),
        lambda s: s.log_determinant(0.01): (eigenvalues.abs() + 0.01).log().sum().item(),
    }
    for alpha in ORDERS:
        entropy = RenyiEntropy(alpha, eigenvalues.abs().max().item(), threshold=RANK_THRESHOLD)
        truths[lambda s, a=alpha: s.renyi_estimate(a)] = -entropy(entropy.terms(eigenvalues).sum(dim=0)).item()
    hits = dict.fromkeys(truths, 0)
    for spectrum in spectra(matrix, generator, repeats, outliers):
        for estimate, truth in truths.items():
            found = estimate(spectrum)
            hits[estimate] += abs(found.value - truth) <= 2 * found.stderr
    assert min(hits.values()) >= least(repeats)


@pytest.mark.parametrize(("repeats", "outliers"), SPECTRA)
def test_densities(matrix, eigenvalues, generator, outliers, repeats):
    """At quantiles of the spectrum, and at its largest eigenvalues, where one of them makes the density."""
    grid = torch.cat([eigenvalues.quantile(torch.linspace(0, 1, 21, dtype=torch.float64)), eigenvalues[-5:]])
    width = 0.02 * eigenvalues.abs().max().item()
    normal = torch.distributions.Normal(eigenvalues, width)
    truth = normal.log_prob(grid.unsqueeze(1)).exp().mean(dim=1)
    hits = torch.zeros(len(grid))
    for spectrum in spectra(matrix, generator, repeats, outliers):
        error = (spectrum.density(grid, width=width) - truth).abs()
        hits += error <= 2 * spectrum.density_stderr(grid, width=width) + 1e-9 * truth
    assert hits.mean() >= least(repeats)
    assert hits.min() >= least(repeats) or not outliers


@EVERY_CASE
def test_all_of_them_on_the_quotient_belong_to_the_orbit(case, generator):
    """From the same tangents, transported; the Euclidean ones do not."""
    loss, params = case(generator)
    batch = loss.batches[0]
    example = {k: v for k, v in batch.items() if k != "labels"} if isinstance(batch, dict) else batch
    symmetry = detect(loss.model, example[0] if isinstance(example, tuple) else example)
    g = symmetry.random(generator, condition=30.0)
    moved = symmetry.act(g, params)
    geometry = Quotient(symmetry)
    tangents = [geometry.random(params, generator) for _ in range(2)]
    transported = [symmetry.push(g, params, u) for u in tangents]

    def numbers(point, space, directions) -> Tensor:
        spectrum = hessian_spectrum(loss, point, space, steps=8, top=3, outliers=3, directions=directions)
        estimates = [spectrum.frobenius_norm(), spectrum.nuclear_norm(), spectrum.log_determinant(0.01)]
        estimates += [spectrum.renyi_estimate(alpha) for alpha in ORDERS]
        stated = torch.tensor([[e.value, e.stderr] for e in estimates], dtype=torch.float64).flatten()
        grid = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64)
        density = spectrum.density(grid, width=0.5)
        own = torch.tensor([spectrum.trace, spectrum.trace_stderr], dtype=torch.float64)
        return torch.cat([own, spectrum.eigenvalues, density, spectrum.density_stderr(grid, width=0.5), stated])

    here, there = numbers(params, geometry, tangents), numbers(moved, geometry, transported)
    torch.testing.assert_close(here, there, rtol=1e-6, atol=1e-7)  # a trace that cancels to 1e-3
    flat = [numbers(p, Euclidean(), None) for p in (params, moved)]
    assert not torch.allclose(*flat, rtol=0.01)
