"""Vectors in an orthonormal frame: the arithmetic against flat vectors, and the edges of the ball."""

import math

import pytest
import torch

from quotient import combined, copied, dot, gaussian, length, length_of_sum, mix_, scaled, select_, size, within_ball

SHAPES = [(2, 3), (), (4,)]


def draw(generator: torch.Generator, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    return tuple(torch.randn(shape, generator=generator, dtype=dtype) for shape in SHAPES)


def flat(x: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return torch.cat([a.reshape(-1) for a in x])


def test_arithmetic_is_that_of_the_concatenated_vectors(generator: torch.Generator):
    x, y = draw(generator), draw(generator)
    torch.testing.assert_close(dot(x, y), flat(x) @ flat(y))
    torch.testing.assert_close(length(x), flat(x).norm())
    torch.testing.assert_close(flat(scaled(x, -2.5)), -2.5 * flat(x))
    torch.testing.assert_close(flat(combined(x, 0.3, y)), flat(x) + 0.3 * flat(y))
    assert size(x) == 11


def test_a_tensor_as_factor_keeps_the_dtype_of_the_vector(generator: torch.Generator):
    x = draw(generator, torch.float32)
    factor = torch.tensor(3.0, dtype=torch.float64)
    for result in (scaled(x, factor), combined(x, factor, x)):
        assert {a.dtype for a in result} == {torch.float32}
    torch.testing.assert_close(flat(combined(x, factor, x)), 4.0 * flat(x))


def test_the_inner_product_of_float32_vectors_is_accumulated_in_float64():
    # 1 + 1e-8 is 1 in float32; squares of 3e38 overflow there.
    x = (torch.tensor([1.0, 1e-4]), torch.tensor([3e38]))
    assert dot(x[:1], x[:1]).item() == pytest.approx(1.0 + 1e-8, rel=1e-12)
    assert dot(x, x).dtype == torch.float64
    assert math.isfinite(length(x).item())


@pytest.mark.parametrize("layout", ["rows", "columns", "blocks", "thin blocks", "a long vector"])
def test_length_of_float32_vectors_is_exact_to_rounding_in_every_layout(layout: str, generator: torch.Generator):
    draw = torch.rand(2**19, generator=generator) + 0.5  # all of one sign: in a plain sum rounding would pile up
    x = {
        "rows": draw.view(2**9, 2**10),
        "columns": draw.view(2**9, 2**10).T,
        "blocks": draw.view(2**5, 2**4, 2**10).mT,
        "thin blocks": draw.view(2**9, 2**10, 1).transpose(0, 1),
        "a long vector": draw,
    }[layout]
    assert length((x,)).item() == pytest.approx(x.double().norm().item(), rel=torch.finfo(torch.float32).eps)


@pytest.mark.parametrize("shape", [(5,), (3, 2, 4), (2**11, 2**10), (7, 2**9, 2**9), ()])
def test_length_of_a_sum_is_that_of_the_sum_in_pieces_of_any_size(shape: tuple[int, ...], generator: torch.Generator):
    x, y = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    factor = torch.tensor(-0.7, dtype=torch.float64)
    expected = (x + factor * y).norm().item()
    transposed = [a.permute(tuple(reversed(range(a.ndim)))) for a in (x, y)]
    found = length_of_sum((x, transposed[0]), factor, (y, transposed[1]))
    assert found.item() == pytest.approx(2**0.5 * expected, rel=1e-12)


@pytest.mark.parametrize("factor", [-0.25, 0.0])
def test_a_mixture_is_made_in_place_and_its_length_told(factor: float, generator: torch.Generator):
    x, y, z = draw(generator), draw(generator), draw(generator)
    expected = factor * flat(x) + 0.5 * flat(y) - 2.0 * flat(z)
    found = mix_(x, factor, [(0.5, y), (torch.tensor(-2.0, dtype=torch.float64), z)])
    torch.testing.assert_close(flat(x), expected)
    torch.testing.assert_close(found, expected.norm().double())


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_length_of_float32_vectors_neither_under_nor_overflows(scale: float, generator: torch.Generator):
    x = scale * torch.randn(3, 4, generator=generator)
    assert length((x,)).item() == pytest.approx(x.double().norm().item(), rel=1e-14)


@pytest.mark.parametrize("dtypes", [(torch.float32, torch.float32), (torch.float32, torch.float64)])
def test_a_copy_has_memory_of_its_own_and_the_same_order_of_axes(dtypes, generator: torch.Generator):
    x = tuple(torch.randn(3, 5, 2, generator=generator, dtype=dtype).mT for dtype in dtypes)
    y = copied((*x, x[0].new_ones(())))
    for a, b in zip(x, y, strict=False):
        assert torch.equal(a, b)
        assert a.dtype == b.dtype
        assert a.stride() == b.stride()
        b.zero_()
    assert all(a.count_nonzero() == a.numel() for a in x)
    assert y[-1] == 1


@pytest.mark.parametrize("taken", [False, True])
def test_a_vector_is_written_over_where_the_condition_holds(taken: bool, generator: torch.Generator):
    x, y = draw(generator), draw(generator)
    expected = flat(y if taken else x)
    select_(x, torch.tensor(taken), y)
    assert torch.equal(flat(x), expected)


def test_vectors_of_different_length_do_not_combine(generator: torch.Generator):
    x = draw(generator)
    for operation in (lambda: dot(x, x[:2]), lambda: combined(x, 1.0, x[:2])):
        with pytest.raises(ValueError, match="zip"):
            operation()


@pytest.mark.parametrize("radius", [1e-3, 0.5, 100.0])
def test_projection_on_the_ball_shortens_what_is_outside_and_leaves_the_inside(radius, generator):
    x = draw(generator)
    y = within_ball(x, radius)
    if length(x) > radius:
        assert length(y).item() == pytest.approx(radius, rel=1e-14)
        torch.testing.assert_close(flat(y) / flat(y).norm(), flat(x) / flat(x).norm())
    else:
        assert all(torch.equal(a, b) for a, b in zip(x, y, strict=True))


def test_projection_on_the_ball_leaves_the_origin():
    assert not within_ball((torch.zeros(3), torch.zeros(())), 0.1)[0].any()


def test_gaussian_is_repeatable_and_standard(generator: torch.Generator):
    like = (torch.empty(200, 50, dtype=torch.float64), torch.empty(3, dtype=torch.float32))
    x = gaussian(like, generator)
    again = gaussian(like, torch.Generator().manual_seed(0))
    assert all(torch.equal(a, b) for a, b in zip(x, again, strict=True))
    assert [(a.shape, a.dtype) for a in x] == [(a.shape, a.dtype) for a in like]
    # Five standard errors of the mean and of the variance of 10^4 draws.
    assert abs(x[0].mean().item()) < 0.05
    assert abs(x[0].var().item() - 1.0) < 5 * math.sqrt(2e-4)
