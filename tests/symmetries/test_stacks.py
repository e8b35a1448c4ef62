"""Products and columns of stacks of matrices, against the plain formulas."""

import pytest
import torch

from symmetries.stacks import column_phases, column_sums, gram, inner, set_products_, times


def draw(generator, *shape, dtype=torch.float64):
    return torch.randn(*shape, generator=generator, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("h", [1, 3])
def test_products_are_those_of_matrices(dtype, h, generator):
    a, b = (draw(generator, 4, 5, h, dtype=dtype) for _ in range(2))
    small = draw(generator, 4, h, h, dtype=dtype)
    torch.testing.assert_close(times(a, small), torch.einsum("cnh,chk->cnk", a, small))
    torch.testing.assert_close(inner(a, b), torch.einsum("cnh,cnk->chk", a.conj(), b))


# all in one piece, in several, copies too large for a piece, none
@pytest.mark.parametrize("shape", [(4, 5, 3), (5, 70_000, 1), (3, 200_000, 2), (0, 5, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
def test_products_and_gram_matrices_by_pieces_are_those_in_double_precision(shape, dtype, generator):
    stack = draw(generator, *shape, dtype=dtype)
    wide = torch.complex128 if dtype.is_complex else torch.float64
    small = draw(generator, shape[0], shape[2], shape[2], dtype=wide)
    product = stack.to(wide) @ small
    torch.testing.assert_close(gram(stack), stack.to(wide).mH @ stack.to(wide))
    torch.testing.assert_close(gram(stack, small), product.mH @ product)
    set_products_(stack, stack, small)
    assert stack.dtype == dtype
    torch.testing.assert_close(stack, product.to(dtype), rtol=2 * torch.finfo(dtype).eps, atol=1e-14)


@pytest.mark.parametrize(("dtype", "unit"), [(torch.float64, 2.0**-52), (torch.float32, 2.0**-23)])
def test_column_sums_round_as_a_cascade(dtype, unit, generator):
    """Ten thousand terms of one sign, to some units in the last place of the sum."""
    stack = torch.rand(2, 10_000, 3, generator=generator, dtype=torch.float64).to(dtype)
    sums = column_sums(stack)
    assert sums.dtype == torch.float64
    torch.testing.assert_close(sums, stack.double().sum(1), rtol=8 * unit, atol=0.0)


def test_column_sums_of_half_precision_are_taken_in_single(generator):
    stack = torch.rand(2, 4096, 3, generator=generator).bfloat16()
    torch.testing.assert_close(column_sums(stack), stack.double().sum(1), rtol=1e-6, atol=0.0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_phases_are_those_of_the_largest_entries(dtype, generator):
    stack = draw(generator, 3, 7, 4, dtype=dtype)
    expected = [[column[column.abs().argmax()] for column in matrix.mT] for matrix in stack]
    expected = torch.stack([torch.stack(row) for row in expected])
    torch.testing.assert_close(column_phases(stack), expected / expected.abs())
    torch.testing.assert_close(column_phases(-stack), -expected / expected.abs())


def test_of_entries_of_one_size_the_first_gives_the_sign():
    """So that a column and its opposite keep one representative."""
    stack = torch.tensor([[[1.0, -2.0, 0.0], [-3.0, 2.0, 0.0], [3.0, 1.0, 0.0]]])
    assert column_phases(stack).tolist() == [[-1.0, -1.0, 0.0]]
    assert column_phases(-stack).tolist() == [[1.0, 1.0, 0.0]]
