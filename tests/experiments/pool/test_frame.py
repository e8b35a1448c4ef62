import math
from pathlib import Path

import pytest

from experiments.pool import Pool
from experiments.pool.frame import Column, Frame
from tests.experiments.pool.drawn_pool import draw, row, write_table


def test_columns_hold_the_rows_of_the_trained_models_in_their_order(drawn_pool: Pool) -> None:
    frame = Frame.read(drawn_pool, "main")
    assert [member.id for member in frame.members] == sorted(member.id for member in drawn_pool.trained)
    assert len(frame.members) == 24
    known = frame.columns[Column("renyi", "geodesic", None, "alpha=2.0")]
    assert known == frame.covariates["hidden"]
    assert frame.columns[Column("worst case", "geodesic", 0.05)] != frame.columns[Column("worst case", "geodesic", 0.1)]


def test_what_was_not_measured_or_is_not_finite_is_missing(drawn_pool: Pool) -> None:
    frame = Frame.read(drawn_pool, "main")
    rare = frame.columns[Column("rarely known")]
    assert [math.isnan(value) for value in rare] == [member.seed == 1 for member in frame.members]
    infinite = Frame.of(frame.members, [{"model": frame.members[0].id, "measure": "x", "value": math.inf}])
    assert all(map(math.isnan, infinite.columns[Column("x")]))


def test_models_that_a_plan_has_not_come_to_are_left_out(tmp_path: Path) -> None:
    pool = draw(tmp_path)
    first = pool.trained[3].id
    write_table(tmp_path / "measures" / "begun.parquet", [row(first, "trace", "", None, "", 0, "trained", 1.0)])
    assert [member.id for member in Frame.read(pool, "begun").members] == [first]
    assert len(Frame.read(pool, "begun", "main").members) == 24


def test_rows_of_models_that_are_not_in_the_pool_are_left_out(drawn_pool: Pool) -> None:
    assert not Frame.of(drawn_pool.trained, [{"model": "elsewhere", "measure": "x", "value": 1.0}]).columns


def test_training_loss_is_known_beforehand_and_no_target(drawn_pool: Pool) -> None:
    frame = Frame.read(drawn_pool, "main")
    assert set(frame.targets) == {"loss gap", "test error"}
    assert set(frame.covariates) == {"train loss", "logit norm", "hidden"}
    table = frame.table({"m": frame.targets["loss gap"]}, "test error")
    assert list(table.targets) == ["test error"]
    assert {"learning rate", "weight decay", "train loss"} <= table.known().keys()


def test_a_plan_that_was_not_measured_is_named(drawn_pool: Pool) -> None:
    with pytest.raises(FileNotFoundError, match="other"):
        Frame.read(drawn_pool, "other")


def test_settings_are_read_by_name() -> None:
    assert Column("renyi", setting="alpha=2.0, layer=whole").settings == {"alpha": "2.0", "layer": "whole"}
    assert Column("trace").settings == {}
