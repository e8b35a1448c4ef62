"""What is done by hand with tall matrices, against automatic differentiation of the plain formula."""

import pytest
import torch
from torch import Tensor

from quotient.metric import Gram
from quotient.span import Span

CASES = {"matrices": (3, torch.float64), "single columns": (1, torch.float64), "complex": (1, torch.complex128)}


@pytest.fixture(params=CASES)
def tensors(request: pytest.FixtureRequest, generator: torch.Generator) -> list[Tensor]:
    """Q, X, a factor and a covector ``(2, 7, h)``; coefficients ``(2, 2h, h)``."""
    h, dtype = CASES[request.param]
    shapes = [(2, 7, h)] * 4 + [(2, 2 * h, h)]
    q, *others = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
    return [torch.linalg.qr(q)[0], *others]


def test_columns_are_combined_and_pair_with_a_covector(tensors: list[Tensor]) -> None:
    q, x, factor, c, w = tensors
    columns = torch.cat([q, x], dim=-1)
    target = factor.clone()
    torch.testing.assert_close(Span(q, x).combined(w, factor), factor + columns @ w)
    torch.testing.assert_close(Span(q, x).components(c), columns.mH @ c)
    Span(q, x).add_(factor, w)
    torch.testing.assert_close(factor, Span(q, x).combined(w, target))


def test_gram_matrix_is_that_of_the_columns(tensors: list[Tensor]) -> None:
    q, x, *_ = tensors
    columns = torch.cat([q, x], dim=-1)
    torch.testing.assert_close(Span(q, x).gram().whole, columns.mH @ columns)


def test_gradient_by_hand_is_the_automatic_one(tensors: list[Tensor]) -> None:
    q, x, _, c, w = tensors

    def coefficients(gram: Gram) -> Tensor:
        return w + torch.cat([gram.m @ gram.k, gram.k @ gram.m.mH @ gram.m], dim=-2)

    x.requires_grad_()
    columns = torch.cat([q, x], dim=-1)
    value = (c.conj() * (columns @ coefficients(Span(q, x).gram()))).sum().real
    (expected,) = torch.autograd.grad(value, x)
    span = Span(q, x.detach())
    gram = Gram(*(a.requires_grad_() for a in (span.gram().m, span.gram().k)))
    mu, kappa = torch.autograd.grad(coefficients(gram), (gram.m, gram.k), span.components(c))
    across = coefficients(gram).detach().chunk(2, dim=-2)[1]
    torch.testing.assert_close(span.pulled(c, across.mH, mu.mH, kappa + kappa.mH), expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_small_matrices_are_in_single_precision_at_least(dtype: torch.dtype, generator: torch.Generator) -> None:
    q, x = (torch.randn(2, 7, 3, generator=generator).to(dtype) for _ in range(2))
    span = Span(q, x)
    assert span.gram().m.dtype == torch.float32
    assert span.combined(torch.zeros(2, 6, 3)).dtype == dtype
