import math

import pytest
import torch

from measures import RenyiEntropy

MODULI = torch.tensor([3.0, 1.0, 0.5, 0.25, 0.001, 0.0], dtype=torch.float64)


def entropy(alpha, threshold=0.0):
    found = RenyiEntropy(alpha, largest=3.0, threshold=threshold)
    return found(found.terms(MODULI).sum(dim=0)).item()


@pytest.mark.parametrize("alpha", [0.5, 2.0, 7.0])
def test_value_is_that_of_the_definition(alpha):
    p = MODULI / MODULI.sum()
    assert entropy(alpha) == pytest.approx((p**alpha).sum().log().item() / (1 - alpha), rel=1e-12)


def test_orders_zero_one_and_infinity_are_limits():
    p = MODULI / MODULI.sum()
    assert entropy(0.0) == pytest.approx(math.log(5))
    assert entropy(0.0, threshold=0.01) == pytest.approx(math.log(4))
    assert entropy(math.inf) == pytest.approx(-p.max().log().item())
    assert entropy(1e-5) == pytest.approx(entropy(0.0), abs=1e-4)
    assert entropy(300.0) == pytest.approx(entropy(math.inf), rel=1e-2)
    for alpha in (1 - 1e-6, 1 + 1e-6):
        assert entropy(alpha) == pytest.approx(entropy(1.0), abs=1e-5)


def test_larger_orders_have_smaller_entropy():
    values = [entropy(alpha) for alpha in (0.0, 0.3, 0.9, 1.0, 1.1, 2.0, 10.0, math.inf)]
    assert values == sorted(values, reverse=True)
