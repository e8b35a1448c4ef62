"""The cost of a step: what is measured is measured, at sizes where no claim is made."""

import gc
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from experiments import step_cost


@pytest.fixture
def few_objects() -> Iterator[None]:
    """What earlier tests and imports have left is not looked through again for every step."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("few_objects")
def test_the_command_writes_one_row_for_every_optimizer(tmp_path, capsys):
    step_cost.main(replace(step_cost.QUICK, repeats=1, output=tmp_path, threads=1))
    rows = {row["optimizer"]: row for row in json.loads((tmp_path / "step-cost.json").read_text())["rows"]}
    assert rows["SAM as published"]["of SAM"] == 1.0
    assert all(0 < row["beside"] < row["seconds"] for row in rows.values())
    assert rows["AdamW"]["of SAM"] < 1.0  # one pass
    assert all(row["seconds"] > 0 for row in rows.values())
    assert all(row["from"] <= row["whole"] <= row["to"] for row in rows.values())
    assert "quotient SAM" in capsys.readouterr().out
    assert "| quotient SAM |" in (tmp_path / "step-cost.md").read_text()
    assert rows["AdamW"]["copies held"] == pytest.approx(0.0, abs=0.1)
    for name in ("SAM as published", "SAM", "ASAM", "quotient SAM"):  # the point, and little else
        assert rows[name]["copies held"] == pytest.approx(1.0, abs=0.1)
    assert rows["quotient SAM, riemannian"]["copies held"] == pytest.approx(2.0, abs=0.2)  # the point, and x


def test_every_optimizer_begins_a_round_in_turn():
    names = ["a", "b", "c"]
    assert [step_cost.rotated(names, first)[0] for first in range(4)] == ["a", "b", "c", "a"]
    assert sorted(step_cost.rotated(names, 2)) == names


def test_memory_counts_every_storage_once():
    before = step_cost.tensor_bytes()
    tensor = torch.zeros(1000, dtype=torch.float64)
    views = [tensor[:10], tensor.view(10, 100)]
    assert step_cost.tensor_bytes() - before == pytest.approx(8000)
    del views
