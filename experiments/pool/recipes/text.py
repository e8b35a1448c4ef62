"""Byte-level transformers on the source of Python's standard library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ...models import Decoder, DecoderConfig
from ...source_text import VOCABULARY, next_token, standard_library
from ..device import beside
from ..grid import Configuration, Grid
from ..recipe import AbstractRecipe
from ..sample import portion
from .descent import Descent, shuffled

#: Windows in one forward pass of an evaluation.
EVALUATED = 128


@dataclass(frozen=True)
class Text(AbstractRecipe):
    """Causal transformers on more or less text, all trained by AdamW to the same loss on what all have seen.

    They have RoPE, grouped queries and SwiGLU. The text is cut into windows. A model trains on the first of them in a
    random order: smaller training sets are parts of larger ones, and measures are taken on the smallest, which all have
    seen. Windows from the end of the order, of the same files, are the test; windows of other files are shifted data.
    Training is in single precision, all else in double.

    Args:
        windows: in the smallest training set; others have twice and four times as many.
        length: of a window, in bytes that are predicted.
        held_out: windows of the test, and of the shifted data.
        target: the loss on the smallest training set to stop at, in nats a byte.
        steps: of the optimizer, after which a model has failed.
        dim: width of the transformer, in 4 heads that share 2 of keys and values.
        depth: its layers.
        levels: how many values each hyperparameter has.
        seeds: runs of each configuration.
    """

    name: ClassVar[str] = "text"

    windows: int = 256
    length: int = 64
    held_out: int = 512
    target: float = 1.4
    steps: int = 4000
    dim: int = 64
    depth: int = 2
    levels: int = 3
    seeds: int = 2

    @classmethod
    def small(cls) -> Self:
        """See :class:`AbstractRecipe`."""
        return cls(windows=32, length=16, held_out=32, target=5.0, steps=200, dim=16, depth=1, levels=2)

    def grid(self) -> Grid:
        """Learning rate, weight decay and the size of the training set."""
        return Grid(
            {
                "learning rate": (1e-3, 2e-3, 4e-3)[-self.levels :],
                "weight decay": (0.0, 0.1, 0.3)[-self.levels :],
                "windows": tuple(self.windows * 2**doublings for doublings in range(self.levels)),
            },
            seeds=tuple(range(self.seeds)),
        )

    def model(self, configuration: Configuration, seed: int) -> Decoder:
        """A decoder in double precision."""
        sizes = DecoderConfig(
            VOCABULARY,
            dim=self.dim,
            depth=self.depth,
            heads=4,
            kv_heads=2,
            head_dim=self.dim // 4,
            hidden=2 * self.dim,
        )
        return Decoder(sizes, torch.Generator().manual_seed(seed)).double().eval()

    def train(self, model: nn.Module, configuration: Configuration, seed: int) -> Mapping[str, float]:
        """AdamW down to the target, in batches of 16 windows."""
        data = self._train(int(configuration["windows"]))
        rate, decay = float(configuration["learning rate"]), float(configuration["weight decay"])
        judged = data[: self.windows]
        model.float()
        run = Descent(self.target, self.steps).run(
            model,
            torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay),
            lambda batch: next_token(model, beside(model, batch)),
            (data[index] for index in shuffled(len(data), 16, torch.Generator().manual_seed(seed))),
            lambda: next_token(model, beside(model, judged)).item(),
        )
        model.double()
        return run

    def parts(self, configuration: Configuration) -> Mapping[str, Sequence[Any]]:
        """The windows trained on, other windows of the same files, and windows of other files."""
        test = self._windows[-self.held_out :]
        train = self._train(int(configuration["windows"]))
        return {
            name: data.split(EVALUATED) for name, data in (("train", train), ("test", test), ("shifted", self._shifted))
        }

    def sample(self, number: int, *, examples: int, batch: int) -> list[Tensor]:
        """Windows of the smallest training set."""
        return list(self._train(self.windows)[portion(self.windows, number, examples=examples)].split(batch))

    def loss(self, model: nn.Module, batch: Tensor) -> Tensor:
        """Nats a byte."""
        return next_token(model, batch)

    def logits(self, model: nn.Module, batch: Tensor) -> Tensor:
        """Shape ``(b, length, 256)``."""
        return model(batch[:, :-1])

    def labels(self, batch: Tensor) -> Tensor:
        """Shape ``(b, length)``."""
        return batch[:, 1:]

    def example(self) -> Tensor:
        """Two windows without their last byte."""
        return self._windows[:2, :-1]

    def _train(self, count: int) -> Tensor:
        available = len(self._windows) - self.held_out
        if count > available:
            raise ValueError(f"there are {available} windows to train on, got windows={count}")
        return self._windows[:count]

    @cached_property
    def _windows(self) -> Tensor:
        return _cut(standard_library("train"), self.length)

    @cached_property
    def _shifted(self) -> Tensor:
        return _cut(standard_library("test"), self.length)[: self.held_out]


def _cut(tokens: Tensor, length: int) -> Tensor:
    """Disjoint windows in a random order, shape ``(n, length + 1)``, int64."""
    whole = tokens[: len(tokens) // (length + 1) * (length + 1)].view(-1, length + 1)
    return whole[torch.randperm(len(whole), generator=torch.Generator().manual_seed(0))].long()
