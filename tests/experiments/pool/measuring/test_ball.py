import pytest

from experiments.pool.measuring.ball import EqualRise, RadiusGrid
from experiments.pool.measuring.rise import AverageCase, WorstCase
from measures import average_case_sharpness, worst_case_sharpness

UNIT = 0.2
WORST = WorstCase(steps=3)


def unit(rise, geometry):
    return UNIT


def test_a_grid_measures_at_its_factors_of_the_unit(preparation):
    subject = preparation.subject()
    readings = list(RadiusGrid(WORST, ("adaptive", "geodesic"), (0.5, 2.0)).readings(subject, unit))
    assert [(r.row.geometry, r.radius) for r in readings] == [
        ("adaptive", 0.1),
        ("adaptive", 0.4),
        ("geodesic", 0.1),
        ("geodesic", 0.4),
    ]
    geometry = subject.geometry("geodesic")
    expected = worst_case_sharpness(subject.loss(), subject.params, geometry, radius=0.4, steps=3)
    assert readings[-1].row.value == expected.value
    assert {r.setting for r in readings} == {""}


def test_an_average_is_that_of_the_draws_of_its_sample(preparation):
    subject = preparation.subject(1)
    (reading,) = RadiusGrid(AverageCase(samples=3), ("standard",), (1.0,)).readings(subject, unit)
    expected = average_case_sharpness(
        subject.loss(),
        subject.params,
        subject.geometry("standard"),
        radius=UNIT,
        samples=3,
        generator=subject.generator(),
    )
    assert (reading.row.value, reading.row.stderr) == (expected.value, expected.stderr)


def test_logits_are_told_where_they_are_not_the_usual(preparation):
    grid = RadiusGrid(WorstCase(logits="normalized", steps=2), ("standard",), (1.0,), unit=WORST)
    (reading,) = grid.readings(preparation.subject(), unit)
    assert reading.setting == "logits=normalized"
    assert list(grid.calibrated()) == [(WORST, "standard")]


@pytest.mark.parametrize("representative", ["trained", "moved"])
def test_at_the_radius_of_equal_rise_the_loss_rises_by_that(preparation, representative):
    subject = preparation.subject(0, representative)
    (reading,) = EqualRise(("geodesic",), target=0.3, rise=WORST).readings(subject, unit)
    assert WORST.at(subject, "geodesic", reading.row.value).value == pytest.approx(0.3, rel=0.1)
    assert (reading.radius, reading.setting) == (None, "rise=0.3")
