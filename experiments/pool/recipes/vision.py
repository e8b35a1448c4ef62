"""Small vision transformers on few pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from quotient import Euclidean, RiemannianSAM

from ...data import Batch, Split, cross_entropy, digits
from ...local.cifar10 import cifar10
from ...models import ViT, ViTConfig
from ..device import beside
from ..grid import Configuration, Grid
from ..recipe import AbstractRecipe
from ..sample import portion
from .descent import Descent, shuffled

#: Of the split and the wrong labels: every model sees the same data.
DATA_SEED = 0

#: Images in one forward pass of an evaluation.
EVALUATED = 256


@dataclass(frozen=True)
class Vision(AbstractRecipe):
    """ViTs on few pictures with some wrong labels, all trained to the same loss, by AdamW or by SAM on top of it.

    What is varied is what the published pools of vision transformers vary [Andriushchenko2023]: learning rate, weight
    decay, the radius of SAM; and the batch size. Few images and wrong labels make room for a gap. The data are the same
    for all, so that sharpness is measured on the same examples. Training is in single precision, all else in double.

    Args:
        folder: of CIFAR-10 as it is distributed; empty for the handwritten digits.
        images: to train on, of its training part; the digits that are left out are the test.
        noise: the fraction of training labels that are drawn at random.
        target: the training loss to stop at.
        steps: of the optimizer, after which a model has failed.
        patch: side of the squares that a picture is cut into.
        dim: width of the transformer, in 4 heads.
        depth: its blocks.
        levels: how many values of learning rate and weight decay.
        seeds: runs of each configuration.
    """

    name: ClassVar[str] = "vision"

    folder: str = ""
    images: int = 400
    noise: float = 0.1
    target: float = 0.05
    steps: int = 4000
    patch: int = 2
    dim: int = 48
    depth: int = 2
    levels: int = 3
    seeds: int = 2

    @classmethod
    def small(cls) -> Self:
        """See :class:`AbstractRecipe`."""
        return cls(images=40, noise=0.0, target=1.9, steps=400, dim=8, depth=1, levels=2, seeds=1)

    def grid(self) -> Grid:
        """Learning rate, weight decay, batch size and the radius of SAM, from two seeds."""
        return Grid(
            {
                "learning rate": (1e-3, 2e-3, 4e-3)[-self.levels :],
                "weight decay": (0.0, 0.1, 0.3)[-self.levels :],
                "batch size": (32, 128),
                "radius": (0.0, 0.05),
            },
            seeds=tuple(range(self.seeds)),
        )

    def model(self, configuration: Configuration, seed: int) -> ViT:
        """A ViT in double precision."""
        _, channels, side, _ = self._data["train"].images.shape
        sizes = ViTConfig(side, channels, self.patch, dim=self.dim, depth=self.depth, hidden=2 * self.dim)
        return ViT(sizes, torch.Generator().manual_seed(seed)).double().eval()

    def train(self, model: nn.Module, configuration: Configuration, seed: int) -> Mapping[str, float]:
        """AdamW, or SAM around it where the radius is positive, down to the target."""
        data = self._data["train"]
        images, labels = data.images.float(), data.labels
        order = shuffled(len(data), int(configuration["batch size"]), torch.Generator().manual_seed(seed))
        model.float()
        run = Descent(self.target, self.steps).run(
            model,
            _optimizer(model, configuration),
            lambda batch: cross_entropy(model, beside(model, batch)),
            ((images[index], labels[index]) for index in order),
            lambda: cross_entropy(model, beside(model, (images, labels))).item(),
        )
        model.double()
        return run

    def parts(self, configuration: Configuration) -> Mapping[str, Sequence[Any]]:
        """The training images with the labels that were trained on, the test images, and those moved by a pixel."""
        return {name: list(split.batches(EVALUATED)) for name, split in self._data.items()}

    def sample(self, number: int, *, examples: int, batch: int) -> list[Batch]:
        """Training images with the labels that were trained on."""
        data = self._data["train"]
        chosen = portion(len(data), number, examples=examples)
        return list(Split(data.images[chosen], data.labels[chosen]).batches(batch))

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy."""
        return cross_entropy(model, batch)

    def logits(self, model: nn.Module, batch: Batch) -> Tensor:
        """Shape ``(b, 10)``."""
        return model(batch[0])

    def labels(self, batch: Batch) -> Tensor:
        """Shape ``(b,)``."""
        return batch[1]

    def example(self) -> Tensor:
        """Two images."""
        return self._data["train"].images[:2]

    @cached_property
    def _data(self) -> dict[str, Split]:
        generator = torch.Generator().manual_seed(DATA_SEED)
        rest, held_out = _cifar10(Path(self.folder), self.images) if self.folder else digits(generator, test=0.7)
        if self.images > len(rest):
            raise ValueError(f"there are {len(rest)} images to train on, got images={self.images}")
        train = rest.first(self.images)
        wrong = torch.rand(len(train), generator=generator) < self.noise
        drawn = torch.randint(10, (len(train),), generator=generator)
        return {
            "train": Split(train.images, train.labels.where(~wrong, drawn)),
            "test": held_out,
            "shifted": Split(_moved(held_out.images, generator), held_out.labels),
        }


def _optimizer(model: nn.Module, configuration: Configuration) -> torch.optim.Optimizer:
    rate, decay, radius = (float(configuration[name]) for name in ("learning rate", "weight decay", "radius"))
    if radius == 0.0:
        return torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    return RiemannianSAM(
        model.named_parameters(), Euclidean(), torch.optim.AdamW, radius=radius, lr=rate, weight_decay=decay
    )


def _cifar10(folder: Path, count: int) -> tuple[Split, Split]:
    """The first ``count`` training images and the test part, standardised by the former, channel by channel."""
    (images, labels), (others, their_labels) = (cifar10(folder, train=train) for train in (True, False))
    seen = images[:count].double()
    mean, deviation = seen.mean((0, 2, 3), keepdim=True), seen.std((0, 2, 3), keepdim=True)
    return Split((seen - mean) / deviation, labels[:count]), Split((others - mean) / deviation, their_labels)


def _moved(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image by one pixel, up, down, left or right; what comes in is background."""
    n, _, height, width = images.shape
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), value=images.min().item())
    corners = torch.tensor([(0, 1), (2, 1), (1, 0), (1, 2)])[torch.randint(4, (n,), generator=generator)]
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # (n, channels, 3, 3, height, width)
    return windows[torch.arange(n), :, corners[:, 0], corners[:, 1]]
