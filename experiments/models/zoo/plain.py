"""Transformers of torch.nn."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from .specimen import Arguments, Specimen

Activation = Callable[[Tensor], Tensor]

_WIDTH, _HEADS, _HIDDEN, _DEPTH, _SPREAD = 8, 2, 9, 2, 6.0


def encoder(*, norm_first: bool, activation: Activation = F.leaky_relu, final_norm: bool = False) -> nn.Module:
    """Layers of width 8, two heads of 4, nine hidden units.

    Piecewise linear activations are leaky, and their inputs spread: a unit that stays on one side on all inputs of an
    audit is dead or linear there, and adds null directions of its own.
    """
    layer = nn.TransformerEncoderLayer(
        _WIDTH, _HEADS, _HIDDEN, 0.0, activation, batch_first=True, norm_first=norm_first
    )
    norm = nn.LayerNorm(_WIDTH) if final_norm else None
    model = nn.TransformerEncoder(layer, _DEPTH, norm, enable_nested_tensor=False)
    for block in model.layers:
        block.linear1.weight.data.mul_(_SPREAD)
    return model


def decoder(*, norm_first: bool) -> nn.Module:
    """The same with cross-attention."""
    layer = nn.TransformerDecoderLayer(_WIDTH, _HEADS, _HIDDEN, 0.0, "gelu", batch_first=True, norm_first=norm_first)
    return nn.TransformerDecoder(layer, _DEPTH, nn.LayerNorm(_WIDTH) if norm_first else None)


def sequences(generator: Generator, count: int) -> Arguments:
    """Gaussian sequences of five vectors."""
    return {"src": 3.0 * torch.randn(count, 5, _WIDTH, generator=generator, dtype=torch.float64)}


def pairs_of_sequences(generator: Generator, count: int) -> Arguments:
    """Gaussian targets and memories."""
    draws = 3.0 * torch.randn(2, count, 5, _WIDTH, generator=generator, dtype=torch.float64)
    return {"tgt": draws[0], "memory": draws[1][:, :4]}


SPECIMENS = (
    Specimen("torch encoder", lambda: encoder(norm_first=False, activation=F.gelu), sequences, {"raw": 264}, scales=3),
    Specimen("torch encoder, norm first", lambda: encoder(norm_first=True), sequences, {"raw": 311}, scales=0),
    Specimen(
        "torch encoder, norm first, final norm",
        lambda: encoder(norm_first=True, activation=F.gelu, final_norm=True),
        sequences,
        {"raw": 328},
        scales=0,
    ),
    Specimen("torch decoder", lambda: decoder(norm_first=False), pairs_of_sequences, {}),
    Specimen("torch decoder, norm first", lambda: decoder(norm_first=True), pairs_of_sequences, {}),
)
