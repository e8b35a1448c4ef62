import pytest
import torch

from experiments.pool.measuring.architecture import Architecture
from experiments.pool.measuring.subject import Subject
from tests.experiments.pool.measuring.conftest import CONFIGURATION, TASK


def test_moved_weights_are_others_of_the_same_function_always_the_same(preparation):
    trained, moved, again = (
        preparation.subject(),
        preparation.subject(representative="moved"),
        preparation.subject(0, "moved"),
    )
    assert any(not torch.allclose(trained.params[name], moved.params[name], rtol=0.1) for name in trained.params)
    assert moved.loss()(moved.params).item() == pytest.approx(trained.loss()(trained.params).item(), rel=1e-10)
    assert all(torch.equal(moved.params[name], again.params[name]) for name in moved.params)


def test_weights_that_are_moved_to_another_function_are_refused(preparation, monkeypatch):
    real = type(preparation.symmetry).act
    monkeypatch.setattr(
        type(preparation.symmetry), "act", lambda self, g, p: {n: 1.5 * w for n, w in real(self, g, p).items()}
    )
    with pytest.raises(ValueError, match="moved along its orbit, the loss should be"):
        preparation.subject(representative="moved")


def test_samples_have_examples_of_their_own_and_draws_of_their_own(preparation):
    one, other = preparation.subject(0), preparation.subject(1)
    assert not torch.equal(one.batches[0][0], other.batches[0][0])
    assert torch.equal(
        torch.randn(3, generator=one.generator()), torch.randn(3, generator=preparation.subject(0).generator())
    )
    assert not torch.equal(torch.randn(3, generator=one.generator()), torch.randn(3, generator=other.generator()))


def test_the_loss_of_normalized_logits_does_not_see_their_scale(preparation):
    subject = preparation.subject()
    louder = {name: 3.0 * p if name.startswith("head") else p for name, p in subject.params.items()}
    normalized, raw = (subject.loss(logits) for logits in ("normalized", "raw"))
    assert normalized(louder).item() == pytest.approx(normalized(subject.params).item(), rel=1e-12)
    assert abs(raw(louder).item() - raw(subject.params).item()) > 0.1


def test_the_symmetry_of_an_architecture_is_found_once():
    one, other = (Architecture.of(TASK, TASK.model(CONFIGURATION, seed)) for seed in (0, 1))
    assert one == other
    assert one.symmetry() is other.symmetry()


def test_subjects_have_the_geometries_of_the_tables(preparation):
    subject = preparation.subject()
    assert isinstance(subject, Subject)
    with pytest.raises(KeyError):
        subject.geometry("hyperbolic")
