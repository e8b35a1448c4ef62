import pytest

from experiments.pool.reporting.case import Case
from experiments.pool.reporting.ranking import findings, ranking
from measures import compare_correlations, correlate, judge, select_setting


@pytest.fixture(scope="module")
def rows(case: Case):
    nothing = {family.name: {"retest": None, "change": None} for family in case.families}
    found = ranking(case, "loss gap", findings(case, "loss gap"), nothing)
    return {row["measure"]: row for row in found}


def test_measures_are_ranked_by_the_nested_choice_with_the_baselines_among_them(rows) -> None:
    values = [row["nested"] for row in rows.values() if row["nested"] is not None]
    assert values == sorted(values, reverse=True)
    assert {"constant", "noise", "learning rate", "train loss", "oracle"} <= rows.keys()
    assert rows["oracle"]["nested"] == 1.0
    assert rows["worst case, geodesic"]["nested"] > rows["learning rate"]["nested"] > rows["noise"]["nested"]
    assert {name for name, row in rows.items() if not row["baseline"]} == {
        "worst case, adaptive",
        "worst case, geodesic",
        "renyi, geodesic",
        "constant trace, standard",
        "rarely known",
    }


def test_the_nested_choice_is_that_of_select_setting(case: Case, rows) -> None:
    family = next(f for f in case.families if f.name == "worst case, adaptive")
    found = select_setting(
        dict(family.candidates),
        case.targets["loss gap"],
        groups=case.configurations,
        permutations=19,
        generator=case.generator(),
    )
    row = rows["worst case, adaptive"]
    assert (row["nested"], row["best"], row["inflation"]) == (found.nested, found.best_value, found.inflation)
    assert (row["search p"], row["nested stderr"]) == (found.p_value, found.stderr)


def test_other_statistics_are_those_of_judge_where_no_target_chose(case: Case, rows) -> None:
    matched, rise = case.matched["worst case, geodesic"]
    table = case.frame.table({"it": matched.values}, "loss gap")
    found = judge(table, case.protocol, generator=case.generator())
    row = rows["worst case, geodesic"]
    assert row["at"] == f"radius {matched.radius:.3g}, rise {rise:.3g}"
    for key, statistic in (("tau", "tau"), ("psi", "psi"), ("information", "information")):
        assert row[key] == found["loss gap", "it", statistic].value
    assert row["tau"] == correlate(matched.values, case.targets["loss gap"]).value


def test_a_measure_whose_order_was_chosen_on_the_target_has_no_other_statistics(rows) -> None:
    row = rows["renyi, geodesic"]
    assert row["tau"] is None
    assert row["setting"] == "alpha 2.0"
    assert "choice" in row["note"]


def test_what_models_do_not_determine_is_missing_and_says_why(rows) -> None:
    assert rows["constant trace, standard"]["tau"] is None
    assert "constant" in rows["constant trace, standard"]["note"]
    assert (rows["rarely known"]["n"], rows["rarely known"]["missing"]) == (12, 12)


def test_comparisons_by_hand_agree(case: Case, rows) -> None:
    first, second = (case.matched[f"worst case, {g}"][0].values for g in ("adaptive", "geodesic"))
    difference = compare_correlations(first, second, case.targets["loss gap"], resamples=10)
    taus = [rows[f"worst case, {g}"]["tau"] for g in ("adaptive", "geodesic")]
    assert difference.value == pytest.approx(taus[0] - taus[1])
