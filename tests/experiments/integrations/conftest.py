"""What all loops are given: a small classifier with dropout, data, and the plain loop they are compared with."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from experiments.models.zoo import library
from quotient import Quotient, RiemannianSAM
from symmetries import declare, relu_rescaling

STEPS = 4


class Classifier(nn.Module):
    """Returns what Hugging Face's models do, and keeps the dropout masks it has drawn."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.first, self.relu, self.last = nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)
        self.dropout = dropout
        self.masks: list[Tensor] = []

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        self.masks.append(F.dropout(torch.ones(len(x), 6), self.dropout))
        logits = self.last(self.masks[-1] * self.relu(self.first(x)))
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


def loss_fn(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return model(**batch)["loss"]


def make_optimizer(model: nn.Module, **options: object) -> RiemannianSAM:
    geometry = Quotient(declare(model, relu_rescaling("first", "last", activation="relu")))
    return RiemannianSAM(model.named_parameters(), geometry, torch.optim.AdamW, lr=0.05, **options)


def assert_drawn_twice(masks: list[Tensor], size: int = 1) -> None:
    """The masks of the micro-batches of a step come again in its second pass, and are others in the next."""
    steps = [masks[start : start + 2 * size] for start in range(0, len(masks), 2 * size)]
    for step in steps:
        assert all(torch.equal(a, b) for a, b in zip(step[:size], step[size:], strict=True))
    assert not torch.equal(steps[0][0], steps[1][0])


@pytest.fixture(autouse=True)
def _importable() -> None:
    """Some of the libraries import torchvision, which may need help; see the zoo."""
    try:
        library("transformers")
    except ImportError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def batches(generator: torch.Generator) -> list[dict[str, Tensor]]:
    return [
        {"x": torch.randn(8, 4, generator=generator), "labels": torch.randint(3, (8,), generator=generator)}
        for _ in range(STEPS)
    ]


@pytest.fixture
def plain_loop(batches: list[dict[str, Tensor]]) -> Callable[..., list[Tensor]]:
    """The parameters after a plain loop, with ``size`` batches to a step."""

    def run(model: nn.Module, optimizer: RiemannianSAM, size: int = 1) -> list[Tensor]:
        for start in range(0, STEPS, size):
            optimizer.step(lambda batch: loss_fn(model, batch), batches[start : start + size])
        return [p.detach().clone() for p in model.parameters()]

    return run
