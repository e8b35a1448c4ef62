"""The transformers whose curvature is computed: byte-level decoders, fitted for a moment to real text."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from torch.nn import functional as F

from measures import replacing

from ... import source_text
from ...models import Decoder, DecoderConfig


@dataclass(frozen=True, kw_only=True)
class Size:
    """A transformer and the data that its loss is taken on.

    Args:
        decoder: its sizes.
        batch: sequences.
        length: bytes of each.
        fit: gradient steps from the initial values to the point.
        probes: Lanczos runs of the reference density.
        steps: Lanczos steps of every run, of the reference and of all who are compared with it.
        trace_error: the standard error of the reference trace, relative to it.
    """

    decoder: DecoderConfig
    batch: int
    length: int
    fit: int
    probes: int
    steps: int
    trace_error: float


SIZES = {
    "tiny": Size(
        decoder=DecoderConfig(
            vocabulary=source_text.VOCABULARY, dim=16, depth=1, heads=2, kv_heads=2, head_dim=8, hidden=32
        ),
        batch=4,
        length=16,
        fit=30,
        probes=4,
        steps=40,
        trace_error=5e-3,
    ),
    "0.8M": Size(
        decoder=DecoderConfig(
            vocabulary=source_text.VOCABULARY, dim=128, depth=4, heads=4, kv_heads=4, head_dim=32, hidden=320
        ),
        batch=16,
        length=64,
        fit=200,
        probes=4,
        steps=80,
        trace_error=5e-3,
    ),
    "20M": Size(
        decoder=DecoderConfig(
            vocabulary=source_text.VOCABULARY, dim=512, depth=6, heads=8, kv_heads=8, head_dim=64, hidden=1440
        ),
        batch=4,
        length=64,
        fit=60,
        probes=1,
        steps=60,
        trace_error=1e-2,
    ),
}
"""By name; the names count parameters."""


@dataclass(frozen=True)
class Problem:
    """A model in evaluation mode, with one batch.

    Args:
        model: from tokens ``(b, t)`` to logits ``(b t, vocabulary)``.
        inputs: tokens.
        targets: the token after each, shape ``(b t,)``.
    """

    model: nn.Module
    inputs: Tensor
    targets: Tensor

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Those of the model, in its order."""
        return list(self.model.parameters())

    def loss(self) -> Tensor:
        """The mean cross-entropy of the batch."""
        return F.cross_entropy(self.model(self.inputs), self.targets)

    def gradient(self) -> list[Tensor]:
        """Its gradient, as anybody would take it."""
        return list(torch.autograd.grad(self.loss(), self.parameters))

    def double(self) -> "Problem":
        """The same in double precision; the model is converted in place."""
        return Problem(self.model.double(), self.inputs, self.targets)


def untrained(size: Size, *, layer_norm: bool, generator: torch.Generator) -> Problem:
    """The problem at the initial values, in single precision."""
    config = DecoderConfig(**(vars(size.decoder) | {"layer_norm": layer_norm, "activation": "gelu"}))
    model = nn.Sequential(Decoder(config, generator), nn.Flatten(0, 1)).eval()
    inputs, targets = batch(size, generator)
    return Problem(model, inputs, targets)


def batch(size: Size, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Inputs and targets from random places of the text."""
    window = source_text.windows(source_text.standard_library("train"), size.batch, size.length, generator)
    return window[:, :-1].contiguous(), window[:, 1:].flatten()


def problem(size: Size, path: Path, *, layer_norm: bool, seed: int) -> Problem:
    """The problem at the point that ``path`` holds; where it holds none, it is fitted and saved.

    Args:
        size: of the transformer.
        path: of the parameters.
        layer_norm: LayerNorm in place of RMSNorm.
        seed: of initial values and data.
    """
    generator = torch.Generator().manual_seed(seed)
    made = untrained(size, layer_norm=layer_norm, generator=generator)
    if path.exists():
        load_model(made.model, path)
        return made
    fit_(made, size, generator)
    with replacing(path) as draft:
        save_model(made.model, str(draft))
    return made


def fit_(start: Problem, size: Size, generator: torch.Generator) -> None:
    """Some steps of AdamW on fresh batches, in place: the curvature of initial values is not what people look at."""
    optimizer = torch.optim.AdamW(start.parameters, lr=2e-3)
    for _ in range(size.fit):
        optimizer.zero_grad()
        Problem(start.model, *batch(size, generator)).loss().backward()
        optimizer.step()
    optimizer.zero_grad()
