"""Values and two derivatives, against differences in double precision and against the library's own."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from measures.kernels.normalization import normalized

NORMS = {
    "layer norm": (True, F.layer_norm),
    "RMS norm": (False, lambda x, axes, weight, eps: F.rms_norm(x, axes, weight, eps)),
}

# How many of weight and bias there are; an RMS norm has no bias.
EVERY = pytest.mark.parametrize(
    ("norm", "parameters"), [(norm, n) for norm, (centred, _) in NORMS.items() for n in range(2 + centred)]
)
# An eps as large as the variance shows that it is in every derivative; a tensor of two axes that both are in the means.
CASES = pytest.mark.parametrize(
    ("shape", "dims", "eps"), [((3, 5), 1, 1e-5), ((2, 3, 4), 1, 1.0), ((3, 2, 3), 2, 0.1), ((4,), 1, 0.1)]
)


def case(norm, shape, dims, eps, parameters, generator):
    """Both functions of x, weight and bias, as far as there are any."""
    centred, library = NORMS[norm]
    shapes = [shape, *[shape[-dims:]] * parameters]
    given = [torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes]

    def ours(x, weight=None, bias=None):
        return normalized(x, weight, bias, dims=dims, eps=eps, centred=centred)

    def theirs(x, *rest):
        return library(x, shape[-dims:], *rest, *[None] * (1 + centred - len(rest)), eps)

    return ours, theirs, given


@EVERY
@CASES
def test_value_is_that_of_the_library(norm, shape, dims, eps, parameters, generator):
    ours, theirs, given = case(norm, shape, dims, eps, parameters, generator)
    torch.testing.assert_close(ours(*given), theirs(*given))


@EVERY
@CASES
def test_first_and_second_derivatives_agree_with_differences(norm, shape, dims, eps, parameters, generator):
    ours, _, given = case(norm, shape, dims, eps, parameters, generator)
    assert gradcheck(ours, given)
    assert gradgradcheck(ours, given)


@EVERY
@CASES
@pytest.mark.parametrize("frozen", [None, 1, 2], ids=["all", "weight frozen", "bias frozen"])
def test_second_derivative_agrees_with_the_library_to_rounding(norm, shape, dims, eps, parameters, frozen, generator):
    ours, theirs, given = case(norm, shape, dims, eps, parameters, generator)
    if frozen is not None and frozen < len(given):
        given[frozen].requires_grad_(False)
    free = [z for z in given if z.requires_grad]
    along = [torch.randn(z.shape, generator=generator, dtype=z.dtype) for z in free]

    def bent(function):
        slopes = torch.autograd.grad(function(*given).sin().sum(), free, create_graph=True)
        return torch.autograd.grad(slopes, free, along)

    for one, other in zip(bent(ours), bent(theirs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)
