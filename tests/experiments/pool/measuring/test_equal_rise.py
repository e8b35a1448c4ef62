import math

import pytest

from experiments.pool.measuring.equal_rise import equal_rise_radius


@pytest.mark.parametrize("power", [1.0, 2.0, 3.5])
@pytest.mark.parametrize("start", [1e-4, 0.3, 50.0])
def test_the_radius_of_a_power_is_a_root(power, start):
    radius = equal_rise_radius(lambda r: 4.0 * r**power, target=0.5, start=start, tolerance=1e-8)
    assert radius == pytest.approx((0.5 / 4.0) ** (1.0 / power), rel=1e-7)


def test_a_rise_that_is_negative_near_the_point_is_searched_further_out():
    radius = equal_rise_radius(lambda r: r**2 - 0.01, target=0.5, start=1e-3, tolerance=1e-8)
    assert radius == pytest.approx(math.sqrt(0.51), rel=1e-7)


def test_a_start_at_the_root_is_taken():
    assert equal_rise_radius(lambda r: r, target=0.5, start=0.5) == pytest.approx(0.5, rel=1e-12)


def test_no_radius_is_asked_for_twice():
    asked = []
    equal_rise_radius(lambda r: asked.append(r) or r**2, target=0.5, start=0.01)
    assert len(asked) == len(set(asked))
    assert len(asked) < 10  # each of them is a worst-case search


def test_a_rise_that_never_comes_there_is_an_error_that_says_how_far_it_came():
    with pytest.raises(ValueError, match=r"rise by 0\.5 at some radius, but it rises by 0\.2"):
        equal_rise_radius(lambda r: 0.2 * min(1.0, r), target=0.5, start=0.1)


def test_target_and_start_are_positive():
    with pytest.raises(ValueError, match="positive, got 0"):
        equal_rise_radius(lambda r: r, target=0.0, start=1.0)
