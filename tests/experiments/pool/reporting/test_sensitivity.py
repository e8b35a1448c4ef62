import math
from statistics import median

import pytest

from experiments.pool.frame import Column
from experiments.pool.reporting.case import Case
from experiments.pool.reporting.sensitivity import median_rise, sensitivity
from measures import correlate


def test_every_setting_of_every_measure_has_its_own_tau(case: Case) -> None:
    rows = {(row["measure"], row["setting"]): row for row in sensitivity(case, "test error")}
    assert len(rows) == 10
    values = case.frame.columns[Column("worst case", "adaptive", 0.2)]
    row = rows["worst case, adaptive", "radius 0.2"]
    assert row["tau"] == correlate(values, case.targets["test error"]).value
    assert row["low"] < row["tau"] < row["high"]
    assert row["median rise"] == pytest.approx(median(values))
    assert rows["renyi, geodesic", "alpha 0.5"]["median rise"] is None


def test_models_without_the_measure_do_not_count_for_the_median() -> None:
    assert median_rise([1.0, math.nan, 3.0]) == 2.0
    assert median_rise([math.nan]) is None
