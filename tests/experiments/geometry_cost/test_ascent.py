from typing import Any

import torch

from experiments.geometry_cost import SUBJECTS
from experiments.geometry_cost.ascent import ASCENTS, GRADIENTS, AscentTask, about, ascents, gradients, memory

TASK = AscentTask(subject="bert-tiny", batch=4, microbatch=2, steps=2, rounds=2, threads=1, seed=0)


def test_a_plain_gradient_is_timed_before_every_step_and_every_peak_alone() -> None:
    told: list[dict[str, Any]] = []
    about(TASK, told.append)
    (symmetry,) = (each["symmetry"] for each in told)
    assert symmetry.dimension > 0
    for who in ASCENTS:
        runs: list[dict[str, Any]] = []
        ascents(TASK, who, symmetry, runs.append)
        assert len(runs) == 2
        for run in runs:
            assert len(run["passes"]) == len(run["gradients"]) == len(run["between"]) + 1 == TASK.steps
            assert all(each["clock"] > 0 for key in ("passes", "gradients", "between") for each in run[key])
            assert run["before"]["clock"] > 0
            assert run["after"]["clock"] > 0
    peaks: list[dict[str, Any]] = []
    for who in (GRADIENTS, *ASCENTS):
        memory(TASK, who, symmetry, peaks.append)
    assert len(peaks) == 3


def test_plain_gradients_are_those_of_the_loss(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    loss = SUBJECTS["vit-tiny"].loss(5, 0, microbatch=2)  # pieces of different sizes
    expected = loss.gradient(dict(loss.model.named_parameters()))
    kept: dict[str, torch.Tensor] = {}
    zero = loss.model.zero_grad

    def keep() -> None:
        kept.update({name: p.grad for name, p in loss.model.named_parameters() if p.grad is not None})
        zero()

    monkeypatch.setattr(loss.model, "zero_grad", keep)
    gradients(loss, 1)
    torch.testing.assert_close(kept, {name: expected[name] for name in kept}, rtol=1e-4, atol=1e-6)
    assert kept
