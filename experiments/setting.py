"""What the experiments on the digits share: their options, and a vision transformer trained by them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from .command import option, require_positive
from .data import Split
from .models import ViT, ViTConfig
from .training import History, train


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Options that every experiment on the digits has.

    Raises:
        ValueError: a value that is not positive, or a width that is no multiple of 4.
    """

    seed: int = option(0, "of the data split, the initial values, the order of batches and all draws")
    epochs: int = option(40, "of plain training")
    batch: int = option(64, "images in one gradient of training")
    lr: float = option(4e-3, "peak learning rate of AdamW")
    weight_decay: float = option(0.01, "of AdamW")
    images: int = option(128, "training images that measures are taken on")
    steps: int = option(20, "ascent steps of the worst case")
    samples: int = option(20, "draws of the average case")
    probes: int = option(2, "probes of the spectrum")
    lanczos: int = option(20, "Lanczos steps of the spectrum, from each probe")
    dim: int = option(32, "width of the transformer, in 4 heads")
    depth: int = option(2, "blocks of the transformer")
    threads: int = option(2, "CPU threads; runs with equal threads are bit-equal")
    output: Path = option(Path("results"), "folder to write to")

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "lr", "images", "steps", "samples", "probes", "lanczos", "depth", "threads"):
            require_positive(name, getattr(self, name))
        self.network()

    def network(self) -> ViTConfig:
        """The sizes of the transformer; heads must divide the width."""
        return ViTConfig(dim=self.dim, depth=self.depth, hidden=2 * self.dim)

    def generator(self) -> torch.Generator:
        """A generator in the state of the seed: every stage has its own, so that stages can be run alone."""
        return torch.Generator().manual_seed(self.seed)


def fitted(
    setting: Setting,
    split: Split,
    optimizer: Callable[[ViT], torch.optim.Optimizer],
    *,
    epochs: int,
    label: str,
) -> tuple[ViT, History]:
    """A ViT in double precision, trained from the initial values and in the order of batches that the seed gives."""
    generator = setting.generator()
    model = ViT(setting.network(), generator).double()
    history = train(
        model, split, optimizer(model), epochs=epochs, batch=setting.batch, generator=generator, label=label
    )
    return model, history


def adamw(setting: Setting) -> Callable[[ViT], torch.optim.Optimizer]:
    """Plain AdamW."""
    return lambda model: torch.optim.AdamW(model.parameters(), lr=setting.lr, weight_decay=setting.weight_decay)
