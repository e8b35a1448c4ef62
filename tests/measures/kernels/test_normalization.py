"""Values and two derivatives, against differences in double precision and against the library's own."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from measures.kernels.normalization import normalized

NORMS = {
    "layer norm": (True, lambda x, axes, eps: F.layer_norm(x, axes, eps=eps)),
    "RMS norm": (False, lambda x, axes, eps: F.rms_norm(x, axes, eps=eps)),
}

EVERY = pytest.mark.parametrize(("centred", "library"), NORMS.values(), ids=NORMS)
# An eps as large as the variance shows that it is in every derivative; a tensor of two axes that both are in the means.
CASES = pytest.mark.parametrize(("shape", "dims", "eps"), [((3, 5), 1, 1e-5), ((2, 3, 4), 1, 1.0), ((3, 2, 3), 2, 0.1)])


@EVERY
@CASES
def test_value_is_that_of_the_library(centred, library, shape, dims, eps, generator):
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(normalized(x, dims, eps, centred=centred), library(x, shape[-dims:], eps))


@EVERY
@CASES
def test_first_and_second_derivatives_agree_with_differences(centred, library, shape, dims, eps, generator):
    x = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda z: normalized(z, dims, eps, centred=centred), x)
    assert gradgradcheck(lambda z: normalized(z, dims, eps, centred=centred), x)


@EVERY
@CASES
def test_second_derivative_agrees_with_the_library_to_rounding(centred, library, shape, dims, eps, generator):
    x = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    weight, along = torch.randn(2, *shape, generator=generator, dtype=torch.float64).unbind()

    def bent(function):
        (slope,) = torch.autograd.grad((function(x) * weight).sum(), x, create_graph=True)
        return torch.autograd.grad(slope, x, along)[0]

    torch.testing.assert_close(
        bent(lambda z: normalized(z, dims, eps, centred=centred)), bent(lambda z: library(z, shape[-dims:], eps))
    )
