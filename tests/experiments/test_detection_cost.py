"""The table of costs: every stage runs on a small model, memory is read off the process, the command writes a table."""

import json
import mmap
from pathlib import Path

import pytest
import torch
from torch import nn

from experiments import detection_cost as cost
from experiments.models.zoo import RealSize
from symmetries import declare, relu_rescaling

linux = pytest.mark.skipif(not cost.STATUS.exists(), reason="the peak of a process is kept by Linux")


@linux
def test_memory_that_is_taken_is_seen():
    before = cost.held("VmRSS")
    size = 50_000_000
    block = mmap.mmap(-1, size)  # an allocator may hand out what it has kept
    block.write(b"\1" * size)
    assert cost.held("VmRSS") - before > 0.9 * size
    assert cost.held("VmHWM") >= cost.held("VmRSS") - 0.1 * size  # the kernel counts in batches


@linux
@pytest.mark.parametrize("stage", cost.STAGES)
def test_every_stage_is_measured(stage, monkeypatch):
    def build():
        return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))

    size = RealSize("small", build, lambda device: {"input": torch.ones(4, 3, device=device)})
    monkeypatch.setattr(cost, "sizes", lambda part: iter([size]))
    found = cost.measured("small", stage, declare(build(), relu_rescaling("0", "2")), cost.Config(threads=1))
    assert found.seconds > 0
    if stage == "detect":
        assert found.result.dimension == 5
    if stage == "verify":
        assert found.result < 1e-9


def test_an_example_has_random_entries_where_there_were_ones(generator):
    example = {"ids": torch.ones(1, 40, dtype=torch.long), "image": torch.ones(1, 3, 4, 4), "mask": torch.zeros(1, 4)}
    found = cost.filled(example, generator)
    assert found["ids"].dtype == torch.long
    assert len(found["ids"].unique()) > 20
    assert 0 < found["ids"].min() <= found["ids"].max() < cost.VOCABULARY
    assert len(found["image"].unique()) == 48
    assert torch.equal(found["mask"], example["mask"])


def test_one_line_for_each_model():
    found = {f"{stage} {unit}": 1.25 for stage in cost.STAGES for unit in ("seconds", "processor", "memory")}
    rows = list(cost.table([found | {"model": "m", "parameters": 12345, "dimension": 67, "defect": 2e-12}]))
    assert rows[2:] == ["| m | 12,345 | 67 |" + " 1.2 s (1.2 s), 1.25 |" * 3 + " 2e-12 |"]


@pytest.mark.slow
@linux
def test_the_command_writes_a_table(tmp_path: Path):
    pytest.importorskip("transformers")
    cost.main(cost.Config(models="DistilBERT-base", output=tmp_path))
    assert "| DistilBERT-base | 66,362,880 |" in (tmp_path / "cost.md").read_text()
    (found,) = json.loads((tmp_path / "cost.json").read_text())["models"]
    assert max(found["detect memory"], found["verify memory"]) < 3.0
    assert found["defect"] < 1e-9


def test_an_unknown_model_is_refused():
    with pytest.raises(SystemExit, match="nonesuch"):
        cost.main(cost.Config(models="nonesuch"))


def test_threads_must_be_positive():
    with pytest.raises(ValueError, match="--threads must be positive"):
        cost.Config(threads=0)
