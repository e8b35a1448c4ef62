import json
import math
from dataclasses import replace

import pytest
import torch

from experiments import study
from experiments.study.comparison import Interval, rows
from experiments.study.contender import CONTENDERS
from experiments.study.tasks import TASKS, Adapters
from experiments.study.trial import STARTS, Archive, Trial

CHOICE = {"lr": 4e-3, "radius": 0.1, "riemannian lr": 0.01}


def result(contender, seed, loss, start=STARTS[0]):
    return {"contender": contender, "start": start, "seed": seed, "choice": {"lr": 0.1}, "test loss": loss}


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda c: c.name)
def test_every_contender_evaluates_the_same_number_of_gradients(contender):
    task = TASKS["digits"]()
    task.gradients = 6
    counted, loss = [], task.loss
    task.loss = lambda model, batch: (counted.append(model.training), loss(model, batch))[1]
    record = Trial(task, contender, CHOICE, seed=0).run()
    assert sum(counted) == record["gradients"] == 6


@pytest.mark.parametrize("name", TASKS)
def test_the_unbalanced_start_is_the_same_function(name, monkeypatch):
    monkeypatch.setattr(TASKS["text"], "gradients", 2)  # what adapters are put on
    task = TASKS[name]()
    model = task.model(0).eval()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    expected = model(task.example()).log_softmax(-1)
    task.unbalanced(model, 30.0, seed=0)
    # In single precision; a shift of all logits is no change.
    torch.testing.assert_close(model(task.example()).log_softmax(-1), expected, rtol=1e-3, atol=1e-3)
    assert any(not torch.equal(p, before[n]) for n, p in model.named_parameters())


@pytest.mark.parametrize("name", ["digits", pytest.param("lora", marks=pytest.mark.slow)])
def test_riemannian_steps_do_not_see_the_start_and_others_do(name, monkeypatch):
    monkeypatch.setattr(TASKS["text"], "gradients", 2)
    task = TASKS[name]()
    task.gradients = 8
    for contender in CONTENDERS:
        losses = [Trial(task, contender, CHOICE, 0, start).run()["validation loss"] for start in STARTS]
        assert (abs(losses[0] / losses[1] - 1.0) < 1e-4) is (contender.name == "quotient SAM, riemannian")


def test_adapters_train_nothing_but_adapters(monkeypatch):
    monkeypatch.setattr(TASKS["text"], "gradients", 2)
    trained = [name for name, p in Adapters().model(0).named_parameters() if p.requires_grad]
    assert len(trained) == 8
    assert all("lora_" in name for name in trained)


def test_a_run_that_diverges_is_recorded_and_not_chosen():
    task = TASKS["digits"]()
    task.gradients = 8
    record = Trial(task, CONTENDERS[-1], CHOICE | {"riemannian lr": 100.0}, seed=0).run()
    assert record["failure"] or not math.isfinite(record["training loss"])
    assert not math.isfinite(record["validation loss"])


def test_trials_that_are_finished_are_not_run_again(tmp_path, monkeypatch):
    task = TASKS["digits"]()
    task.gradients = 2
    trial = Trial(task, CONTENDERS[0], {"lr": 1e-3}, seed=0)
    first = Archive(tmp_path).result(trial)
    monkeypatch.setattr(Trial, "run", lambda _: pytest.fail("run again"))
    assert Archive(tmp_path).result(trial) == first


def test_differences_are_paired_by_seed():
    results = [result("AdamW", seed, float(seed)) for seed in range(5)]
    results += [result("SAM", seed, seed - 0.5) for seed in range(5)]
    table = rows(results)
    assert [row["contender"] for row in table] == ["AdamW", "SAM"]
    assert table[0]["test loss"] == "2 ± 2"  # t(0.975, 4) * sqrt(2.5 / 5) = 1.963
    assert table[1]["test loss - AdamW"] == "-0.5 ± 0"


def test_an_interval_is_that_of_student():
    interval = Interval.of([1.0, 2.0, 4.0])
    assert interval.mean == pytest.approx(7 / 3)
    assert interval.half == pytest.approx(4.302653 * 0.881917, rel=1e-5)
    with pytest.raises(ValueError, match="at least two"):
        Interval.of([1.0])


def test_the_command_writes_tables(tmp_path, capsys):
    config = replace(study.QUICK, gradients=2, output=tmp_path)
    study.main(config)
    document = json.loads((tmp_path / "study.json").read_text())
    (table,) = document["tables"].values()
    assert len(table) == len(CONTENDERS) * len(STARTS)
    assert "| as initialised | SAM |" in (tmp_path / "study.md").read_text()


@pytest.mark.parametrize("options", [{"tasks": "digits,none"}, {"seeds": 1}, {"threads": 0}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        replace(study.QUICK, **options)
