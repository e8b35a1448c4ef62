import pytest
import torch

from measures import MatrixOperator, operator_spectrum
from tests.measures.spectra.test_eigenpairs import Counted


def estimate(operator, folder, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    return operator_spectrum(operator, probes=4, steps=6, generator=generator, checkpoint=folder, **options)


@pytest.mark.parametrize("outliers", [0, 3])
def test_an_interrupted_estimate_goes_on_where_it_was(symmetric, tmp_path, outliers):
    matrix = symmetric(*torch.linspace(-1, 3, 40).pow(3).tolist())
    whole = Counted(matrix)
    expected = estimate(whole, None, outliers=outliers)
    stop = whole.products - 8  # within the third run
    with pytest.raises(KeyboardInterrupt):
        estimate(Counted(matrix, stop=stop), tmp_path, outliers=outliers)
    resumed = Counted(matrix)
    found = estimate(resumed, tmp_path, outliers=outliers)
    assert found.trace == pytest.approx(expected.trace, rel=1e-12)
    assert found.renyi(0.5) == pytest.approx(expected.renyi(0.5), rel=1e-12)
    assert resumed.products == 2 * 6 + 1 + (outliers > 0)  # two runs, and one product for each file that is checked


def test_runs_of_another_estimate_are_refused(symmetric, tmp_path):
    matrix = symmetric(*torch.linspace(-1, 3, 40).tolist())
    estimate(MatrixOperator(matrix), tmp_path)
    for other, options in ((2 * matrix, {}), (matrix, {"seed": 1})):
        with pytest.raises(ValueError, match="another operator, other starting vectors"):
            estimate(MatrixOperator(other), tmp_path, **options)


def test_less_memory_changes_no_sum(symmetric):
    matrix = symmetric(*torch.cat([torch.tensor([100.0, 30.0]), torch.linspace(0, 1, 98)]).tolist())
    whole, short = (
        operator_spectrum(MatrixOperator(matrix), steps=30, generator=torch.Generator().manual_seed(0), memory=m)
        for m in (None, 3 * 800)
    )
    assert short.trace == pytest.approx(whole.trace, rel=1e-9)
    assert short.renyi(0.5) == pytest.approx(whole.renyi(0.5), rel=1e-4)
    with pytest.raises(ValueError, match="at least 2 vectors of 800 bytes"):
        operator_spectrum(MatrixOperator(matrix), memory=1000)
