"""What the experiments on the digits share: their options, and a vision transformer trained by them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from .command import option, require_positive
from .data import Split
from .effort import Effort
from .models import ViT, ViTConfig
from .training import History, train


@dataclass(frozen=True, kw_only=True)
class Setting(Effort):
    """Options that every experiment on the digits has.

    Raises:
        ValueError: a value that is not positive, or a width that is no multiple of 4.
    """

    epochs: int = option(40, "of plain training")
    batch: int = option(64, "images in one gradient of training")
    lr: float = option(4e-3, "peak learning rate of AdamW")
    weight_decay: float = option(0.01, "of AdamW")
    images: int = option(128, "training images that measures are taken on")
    dim: int = option(32, "width of the transformer, in 4 heads")
    depth: int = option(2, "blocks of the transformer")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epochs", "batch", "lr", "images", "depth"):
            require_positive(name, getattr(self, name))
        self.network()

    def network(self) -> ViTConfig:
        """The sizes of the transformer; heads must divide the width."""
        return ViTConfig(dim=self.dim, depth=self.depth, hidden=2 * self.dim)


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
