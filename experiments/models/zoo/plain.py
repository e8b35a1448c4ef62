"""Transformers of torch.nn."""

import torch
from torch import Generator, nn

from .specimen import Arguments, Specimen

_WIDTH, _HEADS, _HIDDEN, _DEPTH = 8, 2, 9, 2


def encoder(*, norm_first: bool, activation: str = "relu", final_norm: bool = False) -> nn.Module:
    """Layers of width 8, two heads of 4, nine hidden units."""
    layer = nn.TransformerEncoderLayer(
        _WIDTH, _HEADS, _HIDDEN, 0.0, activation, batch_first=True, norm_first=norm_first
    )
    norm = nn.LayerNorm(_WIDTH) if final_norm else None
    return nn.TransformerEncoder(layer, _DEPTH, norm, enable_nested_tensor=False)


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
    Specimen("torch encoder", lambda: encoder(norm_first=False), sequences, {"raw": 282}),
    Specimen("torch encoder, norm first", lambda: encoder(norm_first=True), sequences, {"raw": 311}),
    Specimen(
        "torch encoder, norm first, final norm",
        lambda: encoder(norm_first=True, activation="gelu", final_norm=True),
        sequences,
        {"raw": 328},
    ),
    Specimen("torch decoder", lambda: decoder(norm_first=False), pairs_of_sequences, {}),
    Specimen("torch decoder, norm first", lambda: decoder(norm_first=True), pairs_of_sequences, {}),
)
