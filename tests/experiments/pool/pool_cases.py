"""A recipe that takes no time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from experiments.pool import AbstractRecipe, Configuration, Grid


@dataclass(frozen=True)
class Line(AbstractRecipe):
    """A linear classifier of three points; it fails where the learning rate is negative."""

    name: ClassVar[str] = "line"
    scale: float = 1.0

    @classmethod
    def small(cls):
        return cls()

    def grid(self):
        return Grid({"learning rate": (0.1, 0.2, -1.0)}, seeds=(0, 1))

    def model(self, configuration: Configuration, seed: int) -> nn.Module:
        model = nn.Linear(2, 3).double().eval()
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn(p.shape, generator=torch.Generator().manual_seed(seed), dtype=p.dtype))
        return model

    def train(self, model: nn.Module, configuration: Configuration, seed: int) -> Mapping[str, float]:
        rate = float(configuration["learning rate"])
        if rate < 0.0:
            raise FloatingPointError(f"the learning rate is {rate}")
        with torch.no_grad():
            model.bias.add_(rate * torch.randn(3))  # from the global generator, as dropout draws
        return {"steps": 1}

    def parts(self, configuration: Configuration):
        points, labels = torch.eye(3, 2, dtype=torch.float64), torch.arange(3)
        return {"train": [(points, labels)], "test": [(points[:2], labels[:2]), (points[2:], labels[2:])]}

    def sample(self, number: int, *, examples: int, batch: int):
        return self.parts({})["train"]

    def loss(self, model: nn.Module, batch: Any):
        return F.cross_entropy(self.logits(model, batch), batch[1])

    def logits(self, model: nn.Module, batch: Any):
        return self.scale * model(batch[0])

    def labels(self, batch: Any):
        return batch[1]

    def example(self):
        return torch.eye(3, 2, dtype=torch.float64)
