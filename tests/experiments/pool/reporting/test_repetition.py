import math
from dataclasses import replace

import pytest

from experiments.pool.frame import Column, Frame
from experiments.pool.reporting.case import Case
from experiments.pool.reporting.repetition import invariances, reliabilities, survival
from measures import reliability


def test_measures_on_two_samples_have_the_reliability_of_their_values(case: Case) -> None:
    rows = reliabilities(case)
    assert {row["measure"] for row in rows} == {"worst case, adaptive", "worst case, geodesic"}
    column = Column("worst case", "geodesic", 0.1)
    pair = [case.frame.columns[replace(column, sample=sample)] for sample in (0, 1)]
    found = reliability(list(zip(*pair, strict=True)), shared=True)
    row = next(row for row in rows if (row["measure"], row["setting"]) == ("worst case, geodesic", "radius 0.1"))
    assert (row["intraclass"], row["low"], row["high"], row["tau"]) == (found.value, found.low, found.high, found.tau)


def test_changes_are_measured_model_by_model(case: Case) -> None:
    by_measure = {row["measure"]: row for row in invariances(case)}
    assert by_measure["worst case, geodesic"]["largest change"] == 0.0
    assert by_measure["worst case, adaptive"]["largest change"] > 1.0
    assert by_measure["worst case, adaptive"]["models"] == 24
    assert "renyi, geodesic" not in by_measure


def test_an_invariant_measure_keeps_its_tau_when_models_move_and_another_does_not(case: Case) -> None:
    by_measure = {row["measure"]: row for row in survival(case, "loss gap")}
    kept, lost = by_measure["worst case, geodesic"], by_measure["worst case, adaptive"]
    assert (kept["after - before"], kept["low"], kept["high"]) == (0.0, 0.0, 0.0)
    assert kept["before"] == kept["after"] > 0.9
    assert lost["high"] < 0
    assert lost["after - before"] == pytest.approx(lost["after"] - lost["before"])


def test_before_and_after_are_over_the_same_models(case: Case) -> None:
    gap = case.targets["loss gap"]
    partly = [math.nan if i % 3 == 0 else value for i, value in enumerate(gap)]
    worse = [gap[-1 - i] if i % 3 == 0 else value for i, value in enumerate(gap)]
    for here, there in ((worse, partly), (partly, worse)):
        frame = Frame(case.frame.members, {Column("m"): here, Column("m").moved(): there})
        (row,) = survival(replace(case, frame=frame), "loss gap")
        assert (row["before"], row["after"], row["n"]) == (1.0, 1.0, 16)


def test_a_model_whose_measure_is_zero_has_no_relative_change(case: Case) -> None:
    columns = {Column("m"): [0.0, 2.0, math.nan], Column("m").moved(): [1.0, 3.0, 1.0]}
    (row,) = invariances(replace(case, frame=Frame(case.frame.members[:3], columns)))
    assert (row["models"], row["largest change"]) == (1, 0.5)
