import math
from statistics import median

import pytest

from experiments.pool.frame import Column
from experiments.pool.reporting.equal_rise import equal_rises, reach
from experiments.pool.reporting.family import Family

SLOPES = (1.0, 2.0, 3.0)


def family(geometry: str, radii: tuple[float, ...], power: float = 1.0) -> Family:
    """Three models whose loss rises with a power of the radius."""
    return Family(
        "worst case", geometry, "", {Column("worst case", geometry, r): [s * r**power for s in SLOPES] for r in radii}
    )


def test_the_median_rise_is_the_same_in_all_geometries_that_are_compared() -> None:
    (found,) = equal_rises(
        [family("a", (0.1, 0.2, 0.4)), family("b", (1.0, 2.0), power=0.0), family("c", (0.01, 1.0), 2.0)]
    )
    assert set(found.matched) == {"worst case, a", "worst case, c"}
    for matched in found.matched.values():
        assert median(matched.values) == pytest.approx(found.rise)


def test_the_rise_lies_in_the_middle_of_what_all_reach() -> None:
    (found,) = equal_rises([family("a", (0.1, 0.4)), family("b", (0.2, 1.6))])
    assert found.rise == pytest.approx(math.sqrt(2.0 * 0.2 * 2.0 * 0.4))


def test_a_geometry_that_the_others_do_not_meet_is_left_out() -> None:
    near, far = (0.1, 0.2), (10.0, 20.0)
    (found,) = equal_rises([family("a", near), family("b", far), family("c", near)])
    assert set(found.matched) == {"worst case, a", "worst case, c"}


def test_measures_without_radii_or_that_do_not_grow_have_no_reach() -> None:
    trace = Family("trace", "", "", {Column("trace"): [1.0, 2.0]})
    falling = Family("m", "", "", {Column("m", "", 1.0): [2.0, 2.0], Column("m", "", 2.0): [1.0, 1.0]})
    missing = Family("m", "", "", {Column("m", "", r): [math.nan] for r in (1.0, 2.0)})
    assert [reach(f) for f in (trace, falling, missing)] == [None] * 3
    assert equal_rises([trace, falling, missing]) == []


def test_a_rise_that_starts_below_zero_is_met_above_it() -> None:
    falls_first = Family("m", "g", "", {Column("m", "g", r): [v] * 3 for r, v in ((1.0, -1.0), (2.0, 0.5), (3.0, 2.0))})
    assert reach(falls_first) == (0.5, 2.0)
    (found,) = equal_rises([falls_first])
    assert found.matched["m, g"].values == pytest.approx([found.rise] * 3)
