"""Two derivatives, against differences in double precision and against the library's own."""

import gc
import weakref

import pytest
import torch
from torch import Tensor
from torch.autograd import Function, gradcheck, gradgradcheck
from torch.nn import functional as F

from measures.kernels.linear import linear

SHAPES = pytest.mark.parametrize("leading", [(), (4,), (2, 3)], ids=str)
BIAS = pytest.mark.parametrize("biased", [True, False], ids=["bias", "no bias"])


def inputs(leading, biased, generator, free=(True, True, True)):
    shapes = ((*leading, 5), (3, 5), (3,))[: 2 + biased]
    return [
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=is_free)
        for shape, is_free in zip(shapes, free, strict=False)
    ]


@SHAPES
@BIAS
def test_value_is_that_of_the_library(leading, biased, generator):
    given = inputs(leading, biased, generator)
    torch.testing.assert_close(linear(*given), F.linear(*given))


@SHAPES
@BIAS
def test_first_and_second_derivatives_agree_with_differences(leading, biased, generator):
    given = inputs(leading, biased, generator)
    # Bent after the map, so that its result has a covector in the second pass as well.
    assert gradcheck(lambda *z: linear(*z).sin(), given)
    assert gradgradcheck(lambda *z: linear(*z).sin(), given)


@pytest.mark.parametrize("free", [(True, False, False), (False, True, False), (True, False, True), (True, True, False)])
def test_what_is_not_differentiated_gets_nothing(free, generator):
    given = inputs((4,), True, generator, free)
    assert gradgradcheck(lambda *z: linear(*z).sin(), given)


def test_second_derivative_of_the_map_alone_agrees_with_differences(generator):
    """Without anything bent after it, the second pass brings no covector to the result."""
    assert gradgradcheck(linear, inputs((2, 3), True, generator))


def bent(function, given, seed, through=None):
    """The second derivative of a bent function along a random direction, in ``through``."""
    generator = torch.Generator().manual_seed(seed)
    slopes = torch.autograd.grad(function(*given).sin().sum(), given, create_graph=True)
    along = [torch.randn(s.shape, generator=generator, dtype=s.dtype) for s in slopes]
    return torch.autograd.grad(slopes, through or given, along, retain_graph=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_second_derivative_agrees_with_the_library_to_rounding(dtype, generator):
    given = [z.detach().to(dtype).requires_grad_() for z in inputs((2, 3), True, generator)]
    # A transposed input, as attention makes it, and a weight that comes out of a computation.
    composed = lambda function: lambda x, w, b: function(x.mT.contiguous().mT, 2 * w, b)  # noqa: E731
    for ours, theirs in zip(bent(composed(linear), given, 1), bent(composed(F.linear), given, 1), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_tied_weight_gets_the_terms_of_both_of_its_maps(generator):
    x, w = inputs((4,), False, generator)
    square = torch.randn(5, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    twice = lambda function: lambda x, w: function(function(x, w).sin(), w)  # noqa: E731
    for ours, theirs in zip(bent(twice(linear), [x, square], 1), bent(twice(F.linear), [x, square], 1), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_second_derivative_with_a_graph_of_its_own_is_the_same(generator):
    given = inputs((4,), True, generator)
    slopes = torch.autograd.grad(linear(*given).sin().sum(), given, create_graph=True)
    without = torch.autograd.grad(slopes, given, given, retain_graph=True)
    for one, other in zip(torch.autograd.grad(slopes, given, given, create_graph=True), without, strict=True):
        torch.testing.assert_close(one, other)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        torch.autograd.grad(slopes, given, given, create_graph=True)[0].sum().backward()


def test_a_kept_graph_gives_the_same_product_again(generator):
    given = inputs((4,), True, generator)
    slopes = torch.autograd.grad(linear(*given).sin().sum(), given, create_graph=True)
    along = [torch.randn_like(s) for s in slopes]
    first, second = (torch.autograd.grad(slopes, given, along, retain_graph=True) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)


def test_two_first_passes_through_one_map_are_kept_apart(generator):
    x, w, b = inputs((4,), True, generator)

    def both(function):
        y = function(x, w, b)
        slopes = [torch.autograd.grad(f(y).sum(), w, create_graph=True)[0] for f in (torch.sin, torch.exp)]
        return torch.autograd.grad(slopes[0].pow(2).sum() + (slopes[0] * slopes[1]).sum(), [x, w, b])

    for ours, theirs in zip(both(linear), both(F.linear), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_pass_that_does_not_come_back_to_the_map_multiplies_once(generator):
    """As in a Gauss-Newton product, whose first half goes along the covectors alone."""
    x, w, b = inputs((4,), True, generator)
    symbol = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    slopes = torch.autograd.grad(linear(x, w, b), [x, w, b], symbol, create_graph=True)
    along = [torch.randn_like(s) for s in slopes]
    with torch.profiler.profile() as profile:
        (pushed,) = torch.autograd.grad(slopes, symbol, along)
    multiplied = sum(event.count for event in profile.key_averages() if event.key in ("aten::mm", "aten::addmm_"))
    assert multiplied == 2, "x v^T and a W^T, and no covectors of x and of the weight"
    torch.testing.assert_close(pushed, x @ along[1].T + along[0] @ w.T + along[2])


def test_a_graph_is_let_go_of(generator):
    made = []

    class Marked(Function):
        """The identity, whose node is held by its context."""

        @staticmethod
        def forward(ctx, x: Tensor) -> Tensor:
            made.append(weakref.ref(ctx))
            return x.clone()

        @staticmethod
        def backward(ctx, g: Tensor) -> Tensor:
            return g

    given = inputs((4,), True, generator)
    slopes = torch.autograd.grad(linear(Marked.apply(given[0]), *given[1:]).sin().sum(), given, create_graph=True)
    torch.autograd.grad(slopes, given, [torch.ones_like(s) for s in slopes], retain_graph=True)
    assert made[0]() is not None
    del slopes
    gc.collect()
    assert made[0]() is None
