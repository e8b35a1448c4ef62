"""Two derivatives, against differences in double precision and against the library's own."""

from functools import partial

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from measures.kernels.pointwise import pointwise

ACTIVATIONS = {
    "gelu": F.gelu,
    "gelu by tanh": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
}

EVERY = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)


@EVERY
def test_value_is_that_of_the_activation(activation, generator):
    x = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    assert torch.equal(pointwise(x, activation), activation(x))


@EVERY
def test_first_and_second_derivatives_agree_with_differences(activation, generator):
    x = (3 * torch.randn(2, 4, generator=generator, dtype=torch.float64)).requires_grad_()
    assert gradcheck(lambda z: pointwise(z, activation), x)
    assert gradgradcheck(lambda z: pointwise(z, activation), x)


@EVERY
def test_second_derivative_agrees_with_the_library_to_rounding(activation, generator):
    x = torch.linspace(-12, 12, 97, dtype=torch.float64, requires_grad=True)
    weight, along = torch.randn(2, 97, generator=generator, dtype=torch.float64).unbind()

    def bent(function):
        (slope,) = torch.autograd.grad(function(x) @ weight, x, create_graph=True)
        return torch.autograd.grad(slope, x, along)[0]

    torch.testing.assert_close(bent(lambda z: pointwise(z, activation)), bent(activation), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_derivative_is_below_the_normal_numbers(dtype):
    # A Gaussian passes through these between 13 and 14 (float32), 38 and 39 (float64) standard deviations.
    x = torch.linspace(-45, 45, 9001, dtype=dtype, requires_grad=True)

    def traces(function):
        (slope,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
        (bend,) = torch.autograd.grad(slope.sum(), x)
        return sum(int(((d != 0) & (d.abs() < torch.finfo(dtype).tiny)).sum()) for d in (slope, bend))

    assert traces(lambda z: pointwise(z, F.gelu)) == 0
    assert traces(F.gelu) > 0, "the library's are, or the test shows nothing"
