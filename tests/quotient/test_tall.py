"""Products of tall matrices with small ones, in either layout, against the plain formulas."""

import pytest
import torch
from torch import Tensor

from quotient.tall import tall, tall_like, without, without_
from symmetries.stacks import add_times_, inner, set_times_, times

#: Width, dtype, and whether copies lie side by side.
CASES = {
    "matrices": (3, torch.float64, False),
    "single columns": (1, torch.float64, False),
    "single columns across": (1, torch.float64, True),
    "complex": (1, torch.complex128, False),
}


@pytest.fixture(params=CASES)
def tensors(request: pytest.FixtureRequest, generator: torch.Generator) -> list[Tensor]:
    """Two stacks ``(4, 7, h)`` and small matrices ``(4, h, h)``."""
    h, dtype, across = CASES[request.param]
    small = torch.randn(4, h, h, generator=generator, dtype=dtype)
    stacks = [tall(4, 7, h, small, across=across) for _ in range(2)]
    return [*(stack.copy_(torch.randn(4, 7, h, generator=generator, dtype=dtype)) for stack in stacks), small]


def test_products_are_those_of_plain_matrices(tensors: list[Tensor]) -> None:
    a, b, small = tensors
    torch.testing.assert_close(inner(a, b), a.mH @ b)
    torch.testing.assert_close(times(a, small), a @ small)
    torch.testing.assert_close(times(a, small, b), b + a @ small)
    into = tall_like(a)
    set_times_(into, a, small)
    torch.testing.assert_close(into, a @ small)
    add_times_(into, b, small)
    torch.testing.assert_close(into, (a + b) @ small)


def test_products_of_single_columns_are_summed_some_copies_at_a_time(generator: torch.Generator) -> None:
    a, b = (torch.randn(5, 2**16, 1, generator=generator, dtype=torch.float64) for _ in range(2))
    torch.testing.assert_close(inner(a, b), a.mT @ b)


def test_columns_begin_on_cache_lines_and_products_keep_the_layout(tensors: list[Tensor]) -> None:
    a, _, small = tensors
    for stack in (a, tall_like(a), times(a, small)):
        side_by_side = min(range(3), key=lambda axis: (stack.shape[axis] == 1, stack.stride(axis)))
        assert side_by_side == min(range(3), key=lambda axis: (a.shape[axis] == 1, a.stride(axis)))
    matrix = tall(4, 7, 3, small.real)
    assert (matrix.stride(2) * matrix.element_size()) % 64 == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_is_left_is_orthogonal_to_the_normals(
    tensors: list[Tensor], count: int, generator: torch.Generator
) -> None:
    a = tensors[0]
    normals = torch.linalg.qr(torch.randn(7, 2, generator=generator, dtype=a.dtype))[0][:, :count]
    expected = a - normals @ (normals.mH @ a)
    torch.testing.assert_close(without(a, normals), expected)
    assert without_(a, normals) is a
    torch.testing.assert_close(a, expected)
