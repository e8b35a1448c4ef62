import itertools
import json
import math

import pytest
import torch

from experiments.report import plain
from measures import Finding, Findings, JudgementProtocol, ModelTable, UndefinedStatisticError, judge

GRID = list(itertools.product([0.01, 0.1, 1.0], [0.0, 0.001], ["sgd", "adam"], range(4)))
PROTOCOL = JudgementProtocol(controls=["rate", "train loss"], resamples=200, permutations=19)


@pytest.fixture(scope="module")
def table():
    """A pool in which the rate moves everything, and one measure alone knows more about the gap than the rate."""
    generator = torch.Generator().manual_seed(0)
    rate = torch.tensor([math.log10(g[0]) for g in GRID], dtype=torch.float64)
    own, noise, more = torch.randn(3, len(GRID), generator=generator, dtype=torch.float64)
    gap = (rate + own).tolist()
    return ModelTable(
        {name: [setting[i] for setting in GRID] for i, name in enumerate(["rate", "decay", "optimizer"])},
        {
            "exact": [math.exp(v) for v in gap],
            "confounded": (rate + 0.4 * noise).tolist(),
            "useful": (own + more).tolist(),
        },
        {"loss gap": gap, "test error": [1 / (1 + math.exp(v)) for v in gap]},
        {"train loss": (0.3 * more - rate).tolist()},
    )


@pytest.fixture(scope="module")
def findings(table):
    return judge(table, PROTOCOL, generator=torch.Generator().manual_seed(0))


def test_every_measure_and_baseline_is_asked_every_statistic_about_every_target(findings):
    measures = ["exact", "confounded", "useful"]
    lines = ["constant", "noise", "rate", "decay", "train loss", "oracle", "noisy oracle"]
    statistics = ["tau", "rho", "partial rho", "psi", "psi rate", "psi decay", "psi optimizer", "information"]
    statistics += ["mean sign error", "90 % sign error", "worst sign error"]
    expected = set(itertools.product(["loss gap", "test error"], measures + lines, statistics))
    found = [(row.target, row.measure, row.statistic) for row in findings.rows]
    assert set(found) == expected
    assert len(found) == len(expected)
    assert {row.measure for row in findings.rows if row.baseline} == set(lines)
    exact, flipped = (findings[target, "exact", "tau"] for target in ("loss gap", "test error"))
    assert (exact.value, exact.low, flipped.value) == (1.0, 1.0, -1.0)
    assert (exact.n, exact.missing) == (len(GRID), 0)
    assert findings["loss gap", "oracle", "worst sign error"].value == 0.0
    assert findings["loss gap", "exact", "information"].value == pytest.approx(1.0)


def test_controls_tell_the_confounded_measure_from_the_useful_one(findings):
    before, after = (findings["loss gap", "confounded", s] for s in ("rho", "partial rho"))
    assert before.low > 0
    assert after.low < 0 < after.high
    assert findings["loss gap", "useful", "partial rho"].low > 0
    assert after.note == "given rate, train loss"


def test_what_is_not_determined_says_why(findings, table, generator):
    explained = findings["loss gap", "rate", "partial rho"]
    assert explained.value is None
    assert "explain the ranks of sharpness" in explained.note
    assert findings["loss gap", "constant", "rho"].value is None
    assert findings["loss gap", "constant", "psi"].value == 0.0
    thin = judge(table, JudgementProtocol(resamples=20, permutations=0, least_pairs=17), generator=generator)
    rows = [thin["loss gap", "exact", name] for name in ("mean sign error", "90 % sign error", "worst sign error")]
    assert all(row.value is None and "effective pairs" in row.note for row in rows)


def test_one_state_of_the_generator_gives_the_same_findings(table):
    first, second = (
        judge(table, JudgementProtocol(resamples=20, permutations=2), generator=torch.Generator().manual_seed(3))
        for _ in range(2)
    )
    assert first == second


def test_missing_models_are_counted_and_complete_tables_lack_none(table, generator):
    gaps = {**table.measures, "useful": [math.nan, *table.measures["useful"][1:]]}
    partial = ModelTable(table.hyperparameters, gaps, table.targets, table.covariates)
    protocol = JudgementProtocol(resamples=20, permutations=0)
    assert judge(partial, protocol, generator=generator)["loss gap", "useful", "tau"].missing == 1
    complete = judge(partial.complete(), protocol, generator=generator)
    assert {row.n for row in complete.rows if row.value is not None} == {len(GRID) - 1}


def test_measures_are_ranked_by_size_and_those_without_a_value_are_last(findings):
    ranked = [row.measure for row in findings.ranking("test error")]
    assert set(ranked[:2]) == {"exact", "oracle"}
    assert ranked[-1] == "constant"
    with pytest.raises(KeyError, match="no row of target 'accuracy'"):
        findings.ranking("accuracy")
    with pytest.raises(KeyError, match="no row"):
        findings["loss gap", "exact", "r squared"]


def test_records_are_rows_that_a_file_can_hold(findings):
    records = findings.records()
    assert len({tuple(record) for record in records}) == 1
    read = json.loads(json.dumps(plain(records)))
    assert Finding(**read[0]) == Finding(**records[0])


def test_unknown_names_are_refused(table):
    with pytest.raises(ValueError, match=r"controls must be among \['rate', 'decay', 'train loss'\]"):
        judge(table, JudgementProtocol(controls=["optimizer"]))
    with pytest.raises(ValueError, match="evaluated_on must name targets"):
        judge(table, JudgementProtocol(evaluated_on={"accuracy": 100}))
    with pytest.raises(ValueError, match="noise is the name of a baseline; call the measure otherwise"):
        judge(ModelTable(table.hyperparameters, {"noise": table.measures["exact"]}, table.targets))


def test_wrong_input_is_not_taken_for_an_undetermined_statistic(table):
    infinite = ModelTable(table.hyperparameters, {"bad": [math.inf] * len(GRID)}, table.targets)
    with pytest.raises(ValueError, match="must be finite") as caught:
        judge(infinite)
    assert not isinstance(caught.value, UndefinedStatisticError)


def test_findings_of_nothing_have_no_rows():
    assert Findings(()).records() == []
