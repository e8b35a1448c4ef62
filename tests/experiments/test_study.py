import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from experiments import study
from experiments.report import read_json
from experiments.study.comparison import Interval, rows
from experiments.study.contender import CONTENDERS
from experiments.study.tasks import TASKS, Adapters, Digits, SourceText
from experiments.study.trial import STARTS, Trial
from experiments.work import Here, attempt, failures, run

#: Adapters are put on a model that was trained for two steps.
ADAPTERS = Adapters(base=SourceText(gradients=2))
SHORT = TASKS | {"lora": ADAPTERS}

CHOICE = {"lr": 4e-3, "radius": 0.1, "riemannian lr": 0.01}


def result(contender, seed, loss, start=STARTS[0]):
    return {"contender": contender, "start": start, "seed": seed, "choice": {"lr": 0.1}, "test loss": loss}


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda c: c.name)
def test_every_contender_evaluates_the_same_number_of_gradients(contender, monkeypatch, tmp_path):
    counted, loss = [], Digits.loss
    monkeypatch.setattr(Digits, "loss", lambda task, f, batch: (counted.append(f.training), loss(task, f, batch))[1])
    record = Trial(tmp_path, Digits(gradients=6), contender, CHOICE, seed=0).document()
    assert sum(counted) == record["gradients"] == 6


@pytest.mark.parametrize("name", SHORT)
def test_the_unbalanced_start_is_the_same_function(name):
    task = SHORT[name]
    model = task.model(0).eval()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    expected = model(task.example()).log_softmax(-1)
    task.unbalanced(model, 30.0, seed=0)
    # In single precision; a shift of all logits is no change.
    torch.testing.assert_close(model(task.example()).log_softmax(-1), expected, rtol=1e-3, atol=1e-3)
    assert any(not torch.equal(p, before[n]) for n, p in model.named_parameters())


@pytest.mark.parametrize("name", ["digits", pytest.param("lora", marks=pytest.mark.slow)])
def test_riemannian_steps_do_not_see_the_start_and_others_do(name, tmp_path):
    task = replace(SHORT[name], gradients=8)
    for contender in CONTENDERS:
        trials = [Trial(tmp_path, task, contender, CHOICE, 0, start) for start in STARTS]
        losses = [trial.document()["validation loss"] for trial in trials]
        assert (abs(losses[0] / losses[1] - 1.0) < 1e-4) is (contender.name == "quotient SAM, riemannian")


def test_adapters_train_nothing_but_adapters():
    trained = [name for name, p in ADAPTERS.model(0).named_parameters() if p.requires_grad]
    assert len(trained) == 8
    assert all("lora_" in name for name in trained)


def test_a_run_that_diverges_is_recorded_and_not_chosen(tmp_path):
    trial = Trial(tmp_path, Digits(gradients=8), CONTENDERS[-1], CHOICE | {"riemannian lr": 100.0}, seed=0)
    assert attempt(trial)
    record = read_json(trial.result)
    assert record["validation loss"] is None
    assert record["contender"] == "quotient SAM, riemannian"


def test_a_failure_is_told_and_tried_again_on_request_only(tmp_path, monkeypatch, capsys):
    config = replace(study.QUICK, gradients=2, output=tmp_path)
    trial = Trial(tmp_path / "trials", config.task("digits"), CONTENDERS[0], {"lr": 1e-3}, seed=0)
    monkeypatch.setattr(Trial, "_train", lambda *_: 1 / 0)
    (failed,) = study.results([trial], config, "runs")
    assert failed["validation loss"] is None
    monkeypatch.undo()
    assert study.results([trial], config, "runs") == [failed]
    assert "ZeroDivisionError" in capsys.readouterr().out
    (record,) = study.results([trial], replace(config, retry=True), "runs")
    assert record["validation loss"] > 0.0
    assert not failures([trial])


def test_a_contender_that_always_fails_ends_the_study(tmp_path, monkeypatch):
    monkeypatch.setattr(Trial, "_train", lambda *_: 1 / 0)
    with pytest.raises(ValueError, match="AdamW fails with every lr of"):
        study.main(replace(study.QUICK, output=tmp_path))


def test_trials_that_are_finished_are_not_run_again(tmp_path, monkeypatch):
    trial = Trial(tmp_path, Digits(gradients=2), CONTENDERS[0], {"lr": 1e-3}, seed=0)
    run([trial], Here(), label="runs")
    first = read_json(trial.result)
    monkeypatch.setattr(Trial, "document", lambda _: pytest.fail("run again"))
    run([trial], Here(), label="runs")
    assert read_json(trial.result) == first


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_trial_can_be_sent_to_another_process(task):
    task.example()
    trial = Trial(Path(), task, CONTENDERS[-1], CHOICE, seed=0)
    sent = pickle.dumps(trial)
    assert len(sent) < 2000  # names and numbers alone
    assert pickle.loads(sent) == trial


def test_a_shorter_trial_is_another():
    short, long = (Trial(Path(), Digits(gradients), CONTENDERS[0], {"lr": 1e-3}, seed=0) for gradients in (20, 600))
    assert short.result != long.result


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


@pytest.mark.parametrize("options", [{"tasks": "digits,none"}, {"seeds": 1}, {"threads": 0}, {"workers": 0}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        replace(study.QUICK, **options)
