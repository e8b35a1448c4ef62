import torch

from experiments.geometry_cost import SUBJECTS
from experiments.geometry_cost.ascent import ASCENTS, GRADIENTS, AscentTask, ascents, gradients, memory

TASK = AscentTask(subject="bert-tiny", batch=4, microbatch=2, steps=2, rounds=2, threads=1, seed=0)


def test_every_round_has_seconds_of_gradients_and_ascents() -> None:
    reports: list[dict[str, object]] = []
    ascents(TASK, reports.append)
    about, *rounds = reports
    assert about["symmetry"].dimension > 0  # type: ignore[attr-defined]
    assert len(rounds) == 2
    for each in rounds:
        assert set(each) == {GRADIENTS, *ASCENTS}
        assert all(seconds["processor"] > 0 for seconds in each.values())  # type: ignore[index]
    peaks: list[dict[str, object]] = []
    for who in (GRADIENTS, *ASCENTS):
        memory(TASK, who, about["symmetry"], peaks.append)  # type: ignore[arg-type]
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
