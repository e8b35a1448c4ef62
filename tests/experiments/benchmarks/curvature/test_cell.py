import json
from dataclasses import replace

import pytest

from experiments.benchmarks.curvature import cell as module
from experiments.benchmarks.curvature.cell import Cell, measured
from experiments.benchmarks.isolation import Outcome

CELL = Cell(size="tiny", task="fit", competitors=(), threads=1, repeats=1, seed=0)


@pytest.fixture
def outcomes(monkeypatch):
    """What the next computations come to; each is used up."""
    waiting = []
    monkeypatch.setattr(module, "isolated", lambda *arguments, limit: waiting.pop(0))
    return waiting


def test_a_cell_is_computed_in_its_process_and_kept(tmp_path):
    found = measured(CELL, tmp_path, limit=100)
    assert found["failure"] is None
    assert found["reports"][0]["loss"] > 0
    assert json.loads((tmp_path / CELL.file).read_text())["reports"] == list(found["reports"])


def test_what_is_kept_is_not_computed_again_unless_asked_otherwise(tmp_path, outcomes):
    outcomes += [Outcome(({"n": 1},)), Outcome(({"n": 2},))]
    assert measured(CELL, tmp_path, limit=10)["reports"][0]["n"] == 1
    assert measured(CELL, tmp_path, limit=10)["reports"][0]["n"] == 1
    assert measured(replace(CELL, seed=1), tmp_path, limit=10)["reports"][0]["n"] == 2


def test_what_the_time_cut_off_is_computed_again_with_more_of_it(tmp_path, outcomes):
    outcomes += [Outcome((), "not within 10 s", timed_out=True), Outcome(({"n": 2},))]
    assert measured(CELL, tmp_path, limit=10)["timed_out"]
    assert measured(CELL, tmp_path, limit=10)["timed_out"]
    assert measured(CELL, tmp_path, limit=20)["reports"][0]["n"] == 2


def test_results_of_different_cells_are_kept_apart():
    files = {
        replace(CELL, task=task, competitors=who, norm=norm, size=size).file
        for task in ("times", "trace")
        for who in ((), ("this project",), ("this project", "PyHessian"))
        for norm in ("rms", "layer")
        for size in ("tiny", "20M")
    }
    assert len(files) == 24
