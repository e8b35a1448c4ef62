import pytest
import torch
from torch import Tensor, nn

from experiments.benchmarks.geometry import SUBJECTS
from experiments.benchmarks.geometry.plain import gradient, value
from measures import EmpiricalLoss
from symmetries import trainable_parameters


@pytest.fixture
def loss() -> EmpiricalLoss:
    return SUBJECTS["vit-tiny"].loss(5, 0, microbatch=2)  # pieces of different sizes


def test_plain_gradients_are_those_of_the_loss(loss: EmpiricalLoss, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = loss.gradient(trainable_parameters(loss.model))
    kept: dict[str, Tensor] = {}
    zero = loss.model.zero_grad

    def keep() -> None:
        kept.update({name: p.grad for name, p in loss.model.named_parameters() if p.grad is not None})
        zero()

    monkeypatch.setattr(loss.model, "zero_grad", keep)
    gradient(loss)
    torch.testing.assert_close(kept, {name: expected[name] for name in kept}, rtol=1e-4, atol=1e-6)
    assert kept


def test_plain_values_see_every_example_once_without_a_graph(loss: EmpiricalLoss) -> None:
    seen: list[Tensor] = []
    plain = loss.loss_fn

    def watched(model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        seen.append(batch[0])
        found = plain(model, batch)
        assert not found.requires_grad
        return found

    loss.loss_fn = watched
    value(loss)
    torch.testing.assert_close(torch.cat(seen), loss.batches[0][0], rtol=0, atol=0)
