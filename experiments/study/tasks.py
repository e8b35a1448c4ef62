"""The three tasks of the training study, small enough for a laptop."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import networkx
import torch
from torch import Tensor, nn

from quotient import AbstractGeometry, Quotient, Taylor

from .. import source_text
from ..data import Split, accuracy, cross_entropy, digits
from ..models import Decoder, DecoderConfig, LoRALinear, ViT, ViTConfig
from .task import AbstractTask, Rest

#: The library that adapters are trained for: it is installed with this one, and no part of the standard library.
HELD_OUT: ModuleType = networkx

#: Damping of a pair that has no rank yet, in units of the squared singular values of its product.
DAMPING = 1e-3


@cache
def _pictures() -> dict[source_text.Part, Split]:
    """The handwritten digits; a fifth of those that are not for the test is for validation."""
    generator = torch.Generator().manual_seed(0)
    rest, test = digits(generator, dtype=torch.float32)
    order = torch.randperm(len(rest), generator=generator)
    validation, train = (Split(rest.images[part], rest.labels[part]) for part in order.tensor_split([len(rest) // 5]))
    return {"train": train, "validation": validation, "test": test}


@dataclass(frozen=True)
class Digits(AbstractTask):
    """A vision transformer on the handwritten digits."""

    name: ClassVar[str] = "ViT on digits"
    rates: ClassVar[tuple[float, ...]] = (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)

    gradients: int = 600

    def model(self, seed: int) -> nn.Module:
        """Two blocks of width 32."""
        return ViT(ViTConfig(dim=32, depth=2, hidden=64), torch.Generator().manual_seed(seed))

    def batches(self, seed: int) -> Iterator[Any]:
        """64 images, shuffled in every epoch."""
        generator = torch.Generator().manual_seed(seed)
        while True:
            yield from _pictures()["train"].batches(64, generator)

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Cross-entropy."""
        return cross_entropy(model, batch)

    @torch.no_grad()
    def validation(self, model: nn.Module) -> float:
        """Cross-entropy on a fifth of the training images."""
        part = _pictures()["validation"]
        return self.loss(model, (part.images, part.labels)).item()

    @torch.no_grad()
    def test(self, model: nn.Module) -> dict[str, float]:
        """Cross-entropy and error rate."""
        part = _pictures()["test"]
        loss = self.loss(model, (part.images, part.labels)).item()
        return {"test loss": loss, "test error": 1.0 - accuracy(model, part)}

    def example(self) -> Any:
        """Two images."""
        return _pictures()["test"].images[:2]


@dataclass(frozen=True)
class SourceText(AbstractTask):
    """A byte-level causal transformer on the source of the standard library, split by file."""

    name: ClassVar[str] = "source text"
    rates: ClassVar[tuple[float, ...]] = (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
    length: ClassVar[int] = 64
    batch: ClassVar[int] = 16

    gradients: int = 600

    def model(self, seed: int) -> nn.Module:
        """Two layers of width 64."""
        sizes = DecoderConfig(
            source_text.VOCABULARY, dim=64, depth=2, heads=4, kv_heads=2, head_dim=16, hidden=128, tied=False
        )
        return Decoder(sizes, torch.Generator().manual_seed(seed))

    def batches(self, seed: int) -> Iterator[Any]:
        """16 stretches of 64 bytes."""
        return source_text.batches(self.text("train"), self.batch, self.length, torch.Generator().manual_seed(seed))

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Nats for a byte."""
        return source_text.next_token(model, batch)

    def validation(self, model: nn.Module) -> float:
        """Nats for a byte of files that are not trained on."""
        return self._on("validation", model)

    def test(self, model: nn.Module) -> dict[str, float]:
        """Nats for a byte of other files."""
        return {"test loss": self._on("test", model)}

    def example(self) -> Any:
        """One stretch of text."""
        return source_text.windows(self.text("validation"), 1, self.length, torch.Generator().manual_seed(0))[:, :-1]

    def text(self, part: source_text.Part) -> Tensor:
        """The bytes of one part."""
        return source_text.standard_library(part)

    @torch.no_grad()
    def _on(self, part: source_text.Part, model: nn.Module) -> float:
        fixed = source_text.windows(self.text(part), 256, self.length, torch.Generator().manual_seed(1))
        return self.loss(model, fixed).item()


@dataclass(frozen=True)
class Adapters(SourceText):
    """LoRA on the model of the task before, for the source of another library.

    Args:
        gradients: of the adapters.
        base: the task that the model was trained on.
    """

    name: ClassVar[str] = "LoRA on another library"
    rates: ClassVar[tuple[float, ...]] = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
    rank: ClassVar[int] = 4

    gradients: int = 300
    base: SourceText = SourceText()

    def model(self, seed: int) -> nn.Module:
        """The trained model, frozen, with adapters on queries and values that start at zero."""
        generator = torch.Generator().manual_seed(seed)
        model = self.base.model(0)
        model.load_state_dict(_trained(self.base))
        model.requires_grad_(False)
        for layer in model.layers:  # type: ignore[union-attr]
            for name in ("q_proj", "v_proj"):
                linear = getattr(layer.self_attn, name)
                setattr(layer.self_attn, name, LoRALinear.around(linear, rank=self.rank, generator=generator))
        return model

    def text(self, part: source_text.Part) -> Tensor:
        """The bytes of one part of the other library."""
        return source_text.standard_library(part, Path(str(HELD_OUT.__file__)).parent)

    def geometry(self, rest: Rest) -> AbstractGeometry:
        """Damped, as B = 0 has no rank, on straight lines: no geodesic is known there."""
        return Quotient(self.symmetry(), rest=rest, geodesic=Taylor(1), damping=DAMPING)


@cache
def _trained(task: SourceText) -> dict[str, Tensor]:
    """The model of a task after training by AdamW."""
    model = task.model(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for _, batch in zip(range(task.gradients), task.batches(0), strict=False):
        optimizer.zero_grad()
        task.loss(model, batch).backward()
        optimizer.step()
    return model.state_dict()


TASKS: dict[str, AbstractTask] = {"digits": Digits(), "text": SourceText(), "lora": Adapters()}
