import pytest

from experiments.benchmarks.geometry import exponents
from experiments.benchmarks.geometry.pairs import Pairs
from experiments.benchmarks.geometry.scaling import AXES, slope


def test_a_power_law_has_its_exponent() -> None:
    assert slope([1, 2, 4, 8], [5 * x**1.5 for x in (1, 2, 4, 8)]) == pytest.approx(1.5)


def test_work_is_linear_in_copies_and_of_order_two_to_three_in_the_head_size() -> None:
    assert Pairs(depth=8).work == 2 * Pairs(depth=4).work == 2 * Pairs(heads=12, depth=2).work
    assert 2 < slope((16, 32, 64, 128), [Pairs(head=h).work for h in (16, 32, 64, 128)]) < 3


def test_every_axis_is_timed() -> None:
    (depth,) = exponents({"depth": (1, 2)}, repeats=1, seed=0)
    assert (depth.axis, len(depth.seconds), depth.predicted) == ("depth", 2, pytest.approx(1.0))
    assert all(pairs(sizes[0]).copies > 0 for pairs, sizes in AXES.values())
