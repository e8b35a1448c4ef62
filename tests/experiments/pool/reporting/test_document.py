import json
from pathlib import Path

import pytest

from experiments.pool import Pool
from experiments.pool.reporting.document import report
from tests.experiments.pool.drawn_pool import cards, draw, row, write_table


def test_a_document_holds_every_table_of_every_plan_and_is_plain(document) -> None:
    tables = document["plans"]["main"]["tables"]
    assert {name for name, rows in tables.items() if not rows} == {"choices", "orders"}  # no layers, one geometry
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_targets_come_in_their_order_and_training_is_none(document) -> None:
    assert document["targets"] == ["loss gap", "test error"]


def test_controls_are_those_that_the_pool_knows(document) -> None:
    assert document["protocol"]["controls"] == ["learning rate"]


def test_models_that_failed_are_told_and_not_judged(document) -> None:
    failed = [model for model in document["models"] if model["failure"]]
    assert [model["model"] for model in failed] == ["diverged"]
    assert len(document["models"]) == 25
    assert all(len(points["values"]) == 24 for points in document["plans"]["main"]["points"])


def test_the_ranking_says_how_far_a_measure_agrees_with_itself(document) -> None:
    tables = document["plans"]["main"]["tables"]
    row = next(row for row in tables["ranking"] if row["measure"] == "worst case, adaptive")
    again = [r["tau"] for r in tables["reliability"] if r["measure"] == row["measure"]]
    assert row["retest"] == min(again)
    assert row["change"] == max(r["largest change"] for r in tables["invariance"] if r["measure"] == row["measure"])


def test_the_same_seed_gives_the_same_document(drawn_pool: Pool, protocol, document) -> None:
    assert report(drawn_pool, ["main"], protocol=protocol, seed=0, progress=False) == document


def test_a_plan_without_measurements_is_named(drawn_pool: Pool, protocol) -> None:
    with pytest.raises(FileNotFoundError, match=r"renyi\.parquet"):
        report(drawn_pool, ["renyi"], protocol=protocol, seed=0, progress=False)


def test_a_plan_of_other_weights_alone_is_set_against_the_first_plan(tmp_path: Path, protocol) -> None:
    pool = draw(tmp_path / "pool")
    rows = [
        row(model, "renyi", "geodesic", None, "alpha=2.0", 0, "moved", card["covariates"]["hidden"])
        for model, card in cards()
    ]
    write_table(pool.folder / "measures" / "rescaled-pool.parquet", rows)
    found = report(pool, ["rescaled-pool"], protocol=protocol, seed=0, progress=False)["plans"]["rescaled-pool"]
    assert set(found["tables"]) == {"moved", "survival", "invariance"}
    (gap, error) = found["tables"]["survival"]
    assert (gap["measure"], gap["setting"], gap["after - before"]) == ("renyi, geodesic", "alpha 2.0", 0.0)
    assert error["before"] == error["after"]
    assert [r["largest change"] for r in found["tables"]["invariance"]] == [0.0]
    assert len(found["models"]) == 24
