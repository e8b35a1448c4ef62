import pytest
import torch

from experiments.data import Split, accuracy
from experiments.models import mlp
from experiments.training import History, train


def blobs(generator: torch.Generator) -> Split:
    labels = torch.arange(60) % 2
    points = torch.randn(60, 2, generator=generator) + 3.0 * labels[:, None]
    return Split(points, labels)


class Twice(torch.optim.SGD):
    """Evaluates every gradient twice, as SAM does."""

    def step(self, closure):  # type: ignore[no-untyped-def]
        closure()
        return super().step(closure)


def run(optimizer: type[torch.optim.SGD], epochs: int = 20) -> tuple[torch.nn.Module, Split, History]:
    generator = torch.Generator().manual_seed(0)
    split = blobs(generator)
    model = mlp([2, 8, 2], generator=generator)
    history = train(model, split, optimizer(model.parameters(), lr=0.3), epochs=epochs, batch=20, generator=generator)
    return model, split, history


def test_training_lowers_the_loss_and_learns() -> None:
    model, split, history = run(torch.optim.SGD)
    assert history.losses[-1] < history.losses[0]
    assert accuracy(model, split) > 0.9
    assert not model.training


def test_gradient_evaluations_are_counted_where_they_happen() -> None:
    assert run(torch.optim.SGD, epochs=4)[2].gradients == 12
    assert run(Twice, epochs=2)[2].gradients == 12


def test_a_seed_gives_the_same_run() -> None:
    assert run(torch.optim.SGD)[2].losses == run(torch.optim.SGD)[2].losses


def test_no_epochs_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one epoch"):
        run(torch.optim.SGD, epochs=0)


def test_a_loss_that_diverges_stops_the_run(generator: torch.Generator) -> None:
    split, model = blobs(generator), mlp([2, 8, 2], generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=float("inf"))
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        train(model, split, optimizer, epochs=3, batch=20, generator=generator)
