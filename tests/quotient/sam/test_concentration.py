import math

import pytest
import torch

from quotient import dot
from quotient.sam.concentration import concentration, concentration_gradient

ALPHAS = pytest.mark.parametrize("alpha", [0.25, 0.5, 0.9, 1.2, 2.0, 3.0])


def entries(generator, dtype=torch.float64):
    return tuple(torch.randn(shape, generator=generator, dtype=dtype) for shape in ((3, 4), (5,), ()))


@ALPHAS
def test_it_is_the_power_sum_over_the_power_of_the_sum(generator, alpha):
    g = entries(generator)
    flat = torch.cat([a.flatten() for a in g])
    expected = flat.abs().pow(2 * alpha).sum() / flat.square().sum() ** alpha
    assert concentration(g, alpha).item() == pytest.approx(expected.item(), rel=1e-13)


@pytest.mark.parametrize("alpha", [0.5, 1.5])
def test_it_lies_between_one_entry_and_equal_entries(generator, alpha):
    one, equal = torch.zeros(16, dtype=torch.float64), torch.full((16,), -3.0, dtype=torch.float64)
    one[3] = -2.0
    ends = sorted((concentration((one,), alpha).item(), concentration((equal,), alpha).item()))
    assert ends == pytest.approx(sorted((1.0, 16 ** (1 - alpha))))
    assert ends[0] < concentration(entries(generator), alpha).item() < ends[1]


@ALPHAS
def test_gradient_is_that_of_autograd_and_orthogonal_to_its_argument(generator, alpha):
    g = tuple(a.requires_grad_() for a in entries(generator))
    flat = torch.cat([a.flatten() for a in g])
    expected = torch.autograd.grad(flat.abs().pow(2 * alpha).sum() / flat.square().sum() ** alpha, g)
    found = concentration_gradient(tuple(a.detach() for a in g), alpha)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-13)
    assert abs(dot(found, [a.detach() for a in g]).item()) < 1e-12


@ALPHAS
def test_entries_that_are_zero_stay_so(alpha):
    g = (torch.tensor([0.0, 1.0, 2.0, 0.0], dtype=torch.float64),)
    (slope,) = concentration_gradient(g, alpha)
    assert bool(slope.isfinite().all())
    assert slope[0] == slope[3] == 0.0


@ALPHAS
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_float32_gradients_of_any_size_neither_under_nor_overflow(generator, alpha, size):
    """Squares of 1e-30 are no float32 numbers."""
    g = entries(generator, torch.float32)
    found = concentration(tuple(size * a for a in g), alpha).item()
    assert found == pytest.approx(concentration(g, alpha).item(), rel=1e-5)
    assert math.isfinite(found)
