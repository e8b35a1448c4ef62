import math
from dataclasses import replace

import pytest

from experiments.pool.frame import Column, Frame
from experiments.pool.reporting.case import Case
from experiments.pool.reporting.comparison import against_known, comparisons, moved_comparisons, rivals, variants
from experiments.pool.reporting.family import Family
from measures import compare_correlations


def named(*geometries: str) -> list[Family]:
    return [Family("worst case", geometry, "", {}) for geometry in geometries]


def test_a_geometry_is_compared_with_the_others_of_its_statistic(case: Case) -> None:
    (row,) = comparisons(case, "loss gap")
    assert (row["first"], row["second"]) == ("worst case, adaptive", "worst case, geodesic")
    assert row["stronger"] == "second"
    assert row["high"] < 0
    values = [case.settled(f)[1] for f in case.families[:2]]
    found = compare_correlations(*values, case.targets["loss gap"], **case.bootstrap())
    assert (row["difference"], row["low"], row["high"], row["n"]) == (found.value, found.low, found.high, found.n)
    assert row["difference"] == pytest.approx(row["tau of first"] - row["tau of second"])


def test_an_ablation_compares_every_variant_with_the_geometry_that_it_is_a_variant_of() -> None:
    families = named("adaptive", "geodesic", "geodesic order 1", "geodesic mixed", "geodesic mixed order 1", "flat 2")
    pairs = [(variant.geometry, whole.geometry) for variant, whole in variants(families)]
    assert pairs == [
        ("geodesic order 1", "geodesic"),
        ("geodesic mixed", "geodesic"),
        ("geodesic mixed order 1", "geodesic mixed"),
    ]
    assert len(list(rivals(families))) == 15


def test_moved_models_are_compared_at_the_radii_that_were_settled_before(case: Case) -> None:
    gap = case.targets["loss gap"]
    shuffled = [gap[(5 * i) % 24] for i in range(24)]
    columns = {
        Column("worst case", geometry, radius): [factor * (1.0 + g) for g in gap]
        for geometry in "ab"
        for radius, factor in ((0.1, 1.0), (0.4, 2.0))
    }
    moved = {column.moved(): values if column.geometry == "a" else shuffled for column, values in columns.items()}
    both = replace(case, frame=Frame(case.frame.members, columns | moved))
    first, second = both.families
    # At equal rises moved values are interpolated as those of the models as trained.
    assert both.settled_elsewhere(first) == pytest.approx(both.settled(first)[1])
    assert both.settled_elsewhere(second) == pytest.approx(shuffled)
    (row,) = moved_comparisons(both, "loss gap")
    found = compare_correlations(gap, shuffled, gap, strengths=True, **both.bootstrap())
    assert (row["difference"], row["low"], row["high"]) == (found.value, found.low, found.high)
    assert comparisons(both, "loss gap")[0]["difference"] == 0.0


def test_a_measure_without_a_radius_is_compared_as_it_is_elsewhere(case: Case) -> None:
    gap = case.targets["loss gap"]
    columns = {Column("trace", geometry): gap for geometry in "ab"}
    frame = Frame(case.frame.members, columns | {Column("trace", "a").moved(): [-g for g in gap]})
    some = replace(case, frame=frame)
    assert [some.settled_elsewhere(family) for family in some.families] == [[-g for g in gap], None]
    assert moved_comparisons(some, "loss gap") == []


def test_other_statistics_and_variants_of_them_are_no_rivals() -> None:
    other = Family("average case", "adaptive", "", {})
    raw, normalized = (replace(other, variant=v) for v in ("logits raw", "logits normalized"))
    assert list(rivals([*named("adaptive"), other, raw, normalized])) == []


def test_taus_of_a_pair_are_over_the_models_that_both_have(case: Case) -> None:
    members = case.frame.members
    gap = case.targets["loss gap"]
    holes = [math.nan if i < 6 else value for i, value in enumerate(gap)]
    frame = Frame(members, {Column("trace", "a"): gap, Column("trace", "b"): holes})
    (row,) = comparisons(replace(case, frame=frame), "loss gap")
    assert (row["tau of first"], row["tau of second"], row["n"]) == (1.0, 1.0, len(gap) - 6)
    assert row["stronger"] == "not resolved"


def test_a_pair_that_is_not_determined_says_why(case: Case) -> None:
    frame = Frame(case.frame.members, {Column("m", g): [1.0] * len(case.frame.members) for g in "ab"})
    (row,) = comparisons(replace(case, frame=frame), "loss gap")
    assert row["difference"] is None
    assert "constant" in row["note"]


def test_a_measure_that_falls_where_the_target_rises_is_as_strong_as_one_that_rises(case: Case) -> None:
    gap = case.targets["loss gap"]
    noise = [(7 * i) % 24 for i in range(len(gap))]
    frame = Frame(case.frame.members, {Column("m", "a"): [-g for g in gap], Column("m", "b"): noise})
    (row,) = comparisons(replace(case, frame=frame), "loss gap")
    assert row["tau of first"] == -1.0
    assert row["difference"] == pytest.approx(1.0 - abs(row["tau of second"]))
    assert (row["low"] > 0, row["stronger"]) == (True, "first")


def test_the_strongest_of_what_is_known_is_compared_with_every_settled_measure(case: Case) -> None:
    rows = against_known(case, "test error")
    assert {row["second"] for row in rows} == {"hidden"}  # the error of the drawn pool is a function of it
    assert {row["first"] for row in rows} == {f.name for f in case.families if case.settled(f) is not None}
    assert all(row["tau of second"] == pytest.approx(1.0) for row in rows if row["note"] is None)
    assert next(row for row in rows if row["first"] == "worst case, adaptive")["stronger"] == "second"
