"""Two derivatives, against differences in double precision and against the library's plain kernel."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from measures.kernels.attention import attention

L, T, D, C = 3, 4, 2, 5
MASKS = {
    "none": None,
    "causal": torch.ones(L, T, dtype=torch.bool).tril(),
    "padding": torch.tensor([[True, True, False, True], [True, False, False, False]])[:, None, None],
    "a row masked as a whole": torch.tensor([[False] * T, [True] * T, [True, False, True, False]]),
    "summed onto the scores": torch.linspace(-1, 1, L * T, dtype=torch.float64).view(L, T),
}
EVERY = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)


def inputs(leading, generator):
    return [
        torch.randn(*leading, *shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((L, D), (T, D), (T, C))
    ]


def library(q, k, v, mask, scale):
    with sdpa_kernel(SDPBackend.MATH):
        return F.scaled_dot_product_attention(q, k, v, mask, scale=scale)


@EVERY
def test_value_is_that_of_the_library(mask, generator):
    given = inputs((2, 1), generator)
    torch.testing.assert_close(attention(*given, mask, scale=0.7), library(*given, mask, 0.7))


@EVERY
@pytest.mark.parametrize("after", [torch.sin, lambda z: z], ids=["bent after", "straight after"])
def test_first_and_second_derivatives_agree_with_differences(mask, after, generator):
    given = inputs((2, 1), generator)
    assert gradcheck(lambda *z: after(attention(*z, mask, scale=0.7)), given)
    assert gradgradcheck(lambda *z: after(attention(*z, mask, scale=0.7)), given)


@EVERY
def test_second_derivative_agrees_with_the_library_to_rounding(mask, generator):
    given = inputs((2, 3), generator)
    along = [torch.randn(z.shape, generator=generator, dtype=z.dtype) for z in given]

    def bent(function):
        # Heads are cut out of rows, and put together again: no tensor lies as the multiplications want it.
        result = function(*(z.transpose(-3, -2).contiguous().transpose(-3, -2) for z in given), mask, 0.7)
        slopes = torch.autograd.grad(result.transpose(1, 2).sin().sum(), given, create_graph=True)
        return torch.autograd.grad(slopes, given, along)

    ours = bent(lambda q, k, v, mask, scale: attention(q, k, v, mask, scale=scale))
    for one, other in zip(ours, bent(library), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_a_second_derivative_with_a_graph_of_its_own_is_the_same(generator):
    given = inputs((2, 3), generator)
    slopes = torch.autograd.grad(attention(*given, scale=1.0).sin().sum(), given, create_graph=True)
    without = torch.autograd.grad(slopes, given, given, retain_graph=True)
    for one, other in zip(torch.autograd.grad(slopes, given, given, create_graph=True), without, strict=True):
        torch.testing.assert_close(one, other)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        torch.autograd.grad(slopes, given, given, create_graph=True)[0].sum().backward()


def test_a_kept_graph_gives_the_same_product_again(generator):
    given = inputs((2, 3), generator)
    slopes = torch.autograd.grad(attention(*given, scale=1.0).sin().sum(), given, create_graph=True)
    first, second = (torch.autograd.grad(slopes, given, slopes, retain_graph=True) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)
