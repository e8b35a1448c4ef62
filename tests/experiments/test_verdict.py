import math

import pytest

from experiments.verdict import INVARIANT, Movement, from_one, is_invariant, verdict


def test_what_moved_is_listed_farthest_first_whatever_the_direction() -> None:
    lines = verdict(
        [
            Movement("loss", "", 1.0, True),
            Movement("trace", "standard", 10.0, False),
            Movement("entropy", "standard", 0.01, False),
            Movement("rise", "standard", -2.0, False),
            Movement("trace", "geodesic", 1.0, True),
        ]
    ).splitlines()
    assert lines[1:3] == ["  no geometry: loss", "  geodesic: trace"]
    assert [line.split()[0] for line in lines[4:]] == ["-2", "0.01", "10"]


@pytest.mark.parametrize(("invariant", "text"), [(True, "Nothing moved."), (False, "Nothing was invariant.")])
def test_an_empty_list_is_said_in_words(invariant: bool, text: str) -> None:
    assert text in verdict([Movement("trace", "standard", 1.0, invariant)])


def test_a_value_that_draws_do_not_resolve_has_no_factor() -> None:
    text = verdict([Movement("rise", "standard", 77.0, False, resolved=False)])
    assert "77" not in text
    assert "Not told from zero at theta by these draws, so without a factor: rise (standard)" in text


def test_up_and_down_are_equally_far_from_one() -> None:
    assert from_one(4.0) == pytest.approx(from_one(0.25))
    assert from_one(-1.0) == from_one(float("nan")) == math.inf


def test_invariance_is_a_ratio_of_one_up_to_rounding() -> None:
    assert is_invariant(1.0 + 0.9 * INVARIANT)
    assert not is_invariant(1.0 - 1.1 * INVARIANT)
    assert not is_invariant(float("nan"))
