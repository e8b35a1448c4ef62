"""Fine-tunes of a real pretrained encoder on a real task."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...attribution import PACKAGES, Excerpt, Part, excerpts, roots
from ...classifier import TextClassifier
from ...encoder import Batch, load, packaged
from ..device import beside
from ..grid import Configuration, Grid
from ..recipe import AbstractRecipe
from ..sample import portion
from .descent import shuffled

#: Texts in one forward pass of an evaluation.
EVALUATED = 100

#: The first share of the steps, in which the learning rate rises; it falls to zero in the others.
WARM_UP = 0.1


@dataclass(frozen=True)
class FineTune(AbstractRecipe):
    """The packaged encoder, told which installed package a docstring comes from.

    All parameters are trained, without dropout, on the same few texts; the seed draws the initial values of the last
    layer and the order of the batches.

    Args:
        folder: of another checkpoint in the layout of transformers.
        packages: what to tell apart, by the names that they are imported by.
        train_texts: to train on, from each package.
        test_texts: functions of other modules, from each package.
        shifted_texts: classes and modules among those, from each package.
        tokens: of a text at most.
        steps: of the optimizer, the values in the grid.
        seeds: runs of each configuration.
        precision: of training and measures, the name of a dtype.
    """

    name: ClassVar[str] = "finetune"

    folder: str = ""
    packages: Sequence[str] = PACKAGES
    train_texts: int = 40
    test_texts: int = 80
    shifted_texts: int = 40
    tokens: int = 24
    steps: Sequence[int] = (60, 120)
    seeds: int = 2
    precision: str = "float32"

    @classmethod
    def small(cls) -> Self:
        """Two packages and few steps, in double precision; the encoder is that of the full pool."""
        return cls(
            packages=("networkx", "sympy"),
            train_texts=8,
            test_texts=8,
            shifted_texts=4,
            tokens=12,
            steps=(1, 2),
            seeds=1,
            precision="float64",
        )

    def grid(self) -> Grid:
        """Learning rate, steps, batch size and weight decay; at twice the largest rate some models learn nothing."""
        return Grid(
            {
                "learning rate": (2e-4, 3e-4, 5e-4),
                "steps": self.steps,
                "batch size": (8, 16),
                "weight decay": (0.01, 3.0),
            },
            seeds=tuple(range(self.seeds)),
        )

    def model(self, configuration: Configuration, seed: int) -> TextClassifier:
        """The encoder as it is, and a linear map on top of it."""
        generator = torch.Generator().manual_seed(seed)
        model = TextClassifier(copy.deepcopy(self._pretrained[0]), len(self.packages), generator)
        return model.to(getattr(torch, self.precision)).eval()

    def train(self, model: nn.Module, configuration: Configuration, seed: int) -> Mapping[str, float]:
        """AdamW with a learning rate that rises and falls along straight lines; how far it came is returned."""
        rate, decay = float(configuration["learning rate"]), float(configuration["weight decay"])
        steps = int(configuration["steps"])
        start = nn.utils.parameters_to_vector(model.parameters()).detach()
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, steps))
        data, size = self._data["train"], int(configuration["batch size"])
        order = shuffled(_size(data), size, torch.Generator().manual_seed(seed))
        for step, index in zip(range(steps), order, strict=False):
            optimizer.zero_grad()
            loss = self.loss(model, beside(model, _rows(data, index)))
            if not loss.isfinite():
                raise FloatingPointError(f"the loss is {loss.item()} after {step} steps; lower the learning rate")
            loss.backward()
            optimizer.step()
            schedule.step()
        return {"distance": (nn.utils.parameters_to_vector(model.parameters()).detach() - start).norm().item()}

    def parts(self, configuration: Configuration) -> Mapping[str, Sequence[Batch]]:
        """The training texts; functions of other modules; what those modules say of themselves and of their classes."""
        return {
            part: [_rows(data, index) for index in torch.arange(_size(data)).split(EVALUATED)]
            for part, data in self._data.items()
        }

    def sample(self, number: int, *, examples: int, batch: int) -> list[Batch]:
        """Training texts."""
        data = self._data["train"]
        return [_rows(data, index) for index in portion(_size(data), number, examples=examples).split(batch)]

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(self.logits(model, batch), self.labels(batch))

    def logits(self, model: nn.Module, batch: Batch) -> Tensor:
        """Shape ``(texts, packages)``."""
        return model(**_inputs(batch))

    def labels(self, batch: Batch) -> Tensor:
        """Shape ``(texts,)``."""
        return batch["labels"]

    def example(self) -> Batch:
        """Two texts, as keywords of the model."""
        return _inputs(_rows(self._data["train"], torch.arange(2)))

    @cached_property
    def _data(self) -> dict[Part, Batch]:
        """Tokens, what is no padding, and labels."""
        quota: dict[Part, int] = {
            "train": self.train_texts,
            "test": self.test_texts,
            "shifted": self.shifted_texts,
        }
        return {part: self._encoded(found) for part, found in excerpts(roots(self.packages), quota).items()}

    @cached_property
    def _pretrained(self) -> tuple[Any, Any]:
        """The encoder, without the layer that only other tasks use, and its tokenizer."""
        encoder, tokenizer = load(Path(self.folder) if self.folder else packaged())
        encoder.pooler = None
        return encoder, tokenizer

    def _encoded(self, found: Sequence[Excerpt]) -> Batch:
        encoded = self._pretrained[1](
            [excerpt.text for excerpt in found],
            padding="max_length",
            truncation=True,
            max_length=self.tokens,
            return_tensors="pt",
        )
        return _inputs(encoded) | {"labels": torch.tensor([excerpt.label for excerpt in found])}


def _inputs(batch: Mapping[str, Tensor]) -> Batch:
    """What the model reads."""
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


def _rows(batch: Batch, index: Tensor) -> Batch:
    return {name: values[index] for name, values in batch.items()}


def _size(batch: Batch) -> int:
    return len(batch["labels"])


def _share(step: int, steps: int) -> float:
    """The learning rate of a step, as a share of the largest."""
    rising = max(1, round(WARM_UP * steps))
    return min((step + 1) / rising, (steps - step) / max(1, steps - rising))
