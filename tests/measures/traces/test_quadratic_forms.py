import pytest
import torch

from measures import MatrixOperator
from measures.traces.hutchpp import RangeSketch
from measures.traces.quadratic_forms import QuadraticForms, uniform, variance_of_mean


def test_uniform_vectors_lie_on_the_sphere(float64, generator):
    assert torch.linalg.vector_norm(uniform(MatrixOperator(torch.eye(50)), generator)).item() == pytest.approx(50**0.5)


@pytest.mark.parametrize("eigenvalues", [[1.0, 2.0, 3.0], [5.0, -1.0, 0.0, 0.0, 0.1]])
def test_variance_is_that_of_many_forms(float64, generator, symmetric, eigenvalues):
    matrix, d = symmetric(*eigenvalues), len(eigenvalues)
    x = torch.randn(200_000, d, generator=generator)
    x = x * (d**0.5 / torch.linalg.vector_norm(x, dim=1, keepdim=True))
    measured = ((x @ matrix) * x).sum(dim=1).var()
    stated = variance_of_mean(matrix.trace(), matrix.square().sum(), dimension=d, probes=10**6) * 10**6
    torch.testing.assert_close(stated, measured, rtol=0.02, atol=0)  # the variance of 2e5 draws is known to 0.5 %


def test_multiple_of_the_identity_has_no_error(float64, generator):
    forms = QuadraticForms(RangeSketch(MatrixOperator(3.0 * torch.eye(7)), generator), generator)
    forms.draw()
    assert forms.mean == pytest.approx(21.0)
    assert forms.stderr < 1e-6  # the root of the rounding error of a variance
