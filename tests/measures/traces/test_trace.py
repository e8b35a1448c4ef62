import math

import pytest
import torch

from measures import DeflatedOperator, MatrixOperator, trace

METHODS = pytest.mark.parametrize("method", ["hutchinson", "krylov", "hutch++", "xtrace"])
SIZE = 100


def spectra():
    """Flat; one eigenvalue above a bulk; decaying; signs mixed over five orders of magnitude, as in Hessians."""
    generator = torch.Generator().manual_seed(0)
    bulk = torch.rand(SIZE, generator=generator, dtype=torch.float64)
    signs = torch.where(torch.rand(SIZE, generator=generator) < 0.3, -1.0, 1.0)
    return {
        "flat": 1 + bulk,
        "outlier": torch.cat([torch.tensor([100.0], dtype=torch.float64), 0.01 * bulk[1:]]),
        "geometric": 0.9 ** torch.arange(SIZE, dtype=torch.float64),
        "heavy": signs * (2.5 * torch.randn(SIZE, generator=generator, dtype=torch.float64)).exp(),
    }


@METHODS
@pytest.mark.parametrize("name", list(spectra()))
@pytest.mark.parametrize("wanted", [{"probes": 6}, {"rtol": 0.05, "probes": 20}])
def test_truth_lies_within_two_standard_errors_in_95_of_100_repeats(method, name, wanted):
    eigenvalues = spectra()[name]
    operator, generator = MatrixOperator(torch.diag(eigenvalues)), torch.Generator().manual_seed(3)
    repeats = [trace(operator, method=method, generator=generator, **wanted) for _ in range(100)]
    hits = sum(abs(found.value - eigenvalues.sum().item()) <= 2 * found.stderr for found in repeats)
    assert hits >= 89  # a calibrated error falls below that in one of 100 such tests: 95 - 2.7 standard deviations


@METHODS
def test_accuracy_is_reached_when_asked_for(float64, generator, method):
    operator = MatrixOperator(torch.diag(spectra()["geometric"]))
    found = trace(operator, rtol=0.01, method=method, probes=5000, generator=generator)
    assert found.stderr <= 0.01 * found.value
    assert abs(found.value / spectra()["geometric"].sum().item() - 1) < 0.03


def test_deflation_saves_products_where_the_spectrum_decays_and_wastes_few_where_not(float64):
    def products(name, method):
        operator, generator = MatrixOperator(torch.diag(spectra()[name])), torch.Generator().manual_seed(0)
        return trace(operator, rtol=0.01, probes=5000, method=method, generator=generator).products

    assert 3 * products("geometric", "hutch++") < products("geometric", "hutchinson")
    assert 5 * products("geometric", "krylov") < products("geometric", "hutchinson")
    assert 1.3 * products("geometric", "krylov") < products("geometric", "hutch++")
    assert products("flat", "krylov") < products("flat", "hutchinson") + 15
    assert 3 * products("geometric", "xtrace") < products("geometric", "hutchinson")
    assert products("flat", "hutch++") < products("flat", "hutchinson") + 30


@METHODS
def test_low_rank_is_exact_or_within_its_error(float64, generator, method, symmetric):
    found = trace(MatrixOperator(symmetric(5.0, -2.0, *[0.0] * 40)), probes=12, method=method, generator=generator)
    if method == "hutchinson":
        assert abs(found.value - 3.0) < 3 * found.stderr
    else:
        assert (found.value, found.stderr) == (pytest.approx(3.0, rel=1e-12), pytest.approx(0.0, abs=1e-12))


@METHODS
def test_products_are_counted_and_draws_come_from_the_generator(float64, method):
    calls = []

    class Counted(MatrixOperator):
        def __call__(self, vector):
            calls.append(1)
            return super().__call__(vector)

    operator = Counted(torch.diag(spectra()["geometric"]))
    first = trace(operator, probes=8, method=method, generator=torch.Generator().manual_seed(5))
    assert len(calls) == first.products
    assert first.products == {"hutchinson": 8, "krylov": 8, "hutch++": 12, "xtrace": 16}[method]
    assert trace(operator, probes=8, method=method, generator=torch.Generator().manual_seed(5)) == first


@METHODS
def test_single_precision_is_enough_for_single_precision_vectors(method):
    eigenvalues = spectra()["geometric"]
    operator = MatrixOperator(torch.diag(eigenvalues).float())
    found = trace(operator, probes=40, method=method, generator=torch.Generator().manual_seed(0))
    assert abs(found.value - eigenvalues.sum().item()) < 3 * found.stderr + 1e-5


def test_one_vector_is_enough_for_an_error_of_quadratic_forms(float64, generator):
    operator = MatrixOperator(torch.diag(spectra()["flat"]))
    assert 0 < trace(operator, probes=1, method="hutchinson", generator=generator).stderr < math.inf
    assert trace(operator, probes=1, method="xtrace", generator=generator).stderr == math.inf


def test_bad_arguments_are_refused(float64):
    operator = MatrixOperator(torch.eye(3))
    for wanted in ({"probes": 0}, {"rtol": -1.0}, {"memory": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(wanted))} must be positive"):
            trace(operator, **wanted)
    with pytest.raises(ValueError, match=r"hutchinson, got 'hutch'"):
        trace(operator, method="hutch")
    with pytest.raises(ValueError, match="at least one direction"):
        trace(DeflatedOperator(MatrixOperator(torch.eye(2)), torch.eye(2)))
