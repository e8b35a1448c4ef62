import math

import numpy as np
import pytest

from measures import matched_radius

RADII = [0.01, 0.1, 1.0, 10.0]
RISES = [[0.0, 0.1, 0.5, 3.0], [0.1, 0.3, 0.9, 2.0], [0.0, 0.2, 0.8, 4.0], [0.2, 0.2, 1.6, 9.0]]


@pytest.mark.parametrize("rise", [0.06, 0.25, 0.5, 0.85, 3.4])
def test_median_over_models_rises_as_much_as_asked(rise):
    found = matched_radius(RADII, RISES, rise=rise)
    assert np.median(found.values) == pytest.approx(rise, rel=1e-10)
    for row, value in zip(RISES, found.values, strict=True):
        assert value == pytest.approx(np.interp(math.log(found.radius), np.log(RADII), row), rel=1e-10)


def test_radius_of_the_grid_gives_the_column_of_the_grid():
    found = matched_radius(RADII, RISES, rise=np.median([row[1] for row in RISES]))
    assert found.radius == pytest.approx(0.1)
    assert found.values == pytest.approx([row[1] for row in RISES])


def test_units_of_the_radius_do_not_matter():
    here, there = (matched_radius([c * r for r in RADII], RISES, rise=0.5) for c in (1.0, 250.0))
    assert there.radius == pytest.approx(250 * here.radius)
    assert there.values == pytest.approx(here.values)


def test_smallest_of_several_radii_is_taken():
    found = matched_radius(RADII, [[0.0, 2.0, 1.0, 2.0]], rise=1.5)
    assert 0.01 < found.radius < 0.1


def test_model_with_a_missing_rise_is_out_of_the_median():
    found = matched_radius(RADII, [*RISES, [0.0, math.nan, 7.0, 8.0]], rise=0.5)
    plain = matched_radius(RADII, RISES, rise=0.5)
    assert found.values[:4] == plain.values
    assert math.isnan(found.values[4])


@pytest.mark.parametrize(
    ("radii", "rises", "rise", "message"),
    [
        ([0.1], [[1.0]], 1.0, "two or more, increasing"),
        ([0.2, 0.1], [[1.0, 2.0]], 1.0, "two or more, increasing"),
        ([0.0, 0.1], [[1.0, 2.0]], 1.0, "radius must be positive"),
        ([0.1, 0.2], [[1.0, 2.0]], -1.0, "rise must be positive"),
        ([0.1, 0.2], [[1.0, 2.0, 3.0]], 1.0, r"row of 2 rises for every model, got shape \(1, 3\)"),
        ([0.1, 0.2], [[math.nan, 2.0]], 1.0, "at least one model must have a rise at every radius"),
        ([0.1, 0.2], [[1.0, 2.0]], 3.0, "between 1 and 2 on this grid, got 3.0"),
    ],
)
def test_bad_input_is_refused(radii, rises, rise, message):
    with pytest.raises(ValueError, match=message):
        matched_radius(radii, rises, rise=rise)
