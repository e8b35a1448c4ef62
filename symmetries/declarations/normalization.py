"""What norms, layer scales and streams let fold away."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from ..absorption import Gain, ReaderMean, Shift, WriterMean
from ..errors import SymmetryError
from ..factor import EXACT, SOFTMAX
from ..view import View
from .attention import bias_column, bias_row
from .declaration import declaration
from .layer import Block, Layer, Names, joined, label, layer, own_parameters, parameter, several, submodule
from .projections import Role, multihead

_ROLES: tuple[Role, ...] = ("query", "key", "value")


@declaration
def norm_gain(model: nn.Module, norm: str, readers: Names, *, offset: float = 0.0) -> Iterator[Gain]:
    r"""The gain of a norm, folded into the linear maps that read it.

    .. math:: (\gamma, \beta) \mapsto (\lambda \gamma, \lambda \beta), \qquad
              W_{\cdot i} \mapsto \lambda_i^{-1} W_{\cdot i}

    False when a reader is left out, or a skip connection reads the norm ([Elhage2021]).

    Args:
        model: given by :func:`symmetries.declare`.
        norm: a LayerNorm, an RMSNorm, or any module with a weight (and a bias) of one axis.
        readers: all layers that read it; an ``nn.MultiheadAttention`` stands for its query, key and value, and
            ``"attn.query"``, ``"attn.key"``, ``"attn.value"`` for one of them.
        offset: added to the stored gain (1 where the norm multiplies by ``1 + weight``).

    Raises:
        SymmetryError: a norm without gain, or readers that do not fit.
    """
    found = affine(model, norm)
    if found.gain is None:
        raise SymmetryError(f"{norm!r}: expected a norm with a gain, got none; leave this declaration out")
    yield Gain(
        name=f"norm_gain({label(norm)})",
        gain=View(found.gain, "k -> 1 1 k").plus(offset),
        readers=tuple(channels_last(reader) for reader in readers_of(model, readers)),
        followers=tuple(View(name, "k -> 1 1 k") for name in (found.shift,) if name),
        family="norm gain into readers",
    )


@declaration
def norm_shift(model: nn.Module, norm: str, readers: Names, *, opposite: Names = ()) -> Iterator[Shift]:
    r"""The shift of a norm, folded into the biases of the linear maps that read it.

    .. math:: \beta \mapsto \beta + c, \qquad b \mapsto b - W c

    With a skip connection around the readers (norm after the sum), a writer of the same sum takes c back from its bias.

    Args:
        model: given by :func:`symmetries.declare`.
        norm: a norm with a shift.
        readers: all layers that read it, named as in :func:`norm_gain`, each with a bias.
        opposite: layers whose output is added to the norm's own, and takes the constant back.

    Raises:
        SymmetryError: a norm without shift, or readers without bias.
    """
    found = affine(model, norm)
    if found.shift is None:
        raise SymmetryError(f"{norm!r}: expected a norm with a shift, got none; leave this declaration out")
    layers = readers_of(model, readers)
    for reader in layers:
        if reader.groups > 1 or reader.padded:
            raise SymmetryError(f"{reader.name!r}: a constant does not pass a grouped or zero-padded convolution")
    yield Shift(
        name=f"norm_shift({label(norm)})",
        source=View(found.shift, "k -> 1 1 k"),
        readers=tuple((channels_last(reader), bias_column(reader)) for reader in layers),
        opposite=tuple(bias_row(writer) for name in several(opposite) for writer in (writer_of(model, name),)),
        family="norm shift into readers",
    )


@declaration
def reader_mean(model: nn.Module, norm: str, readers: Names, *, visible: bool = True) -> Iterator[ReaderMean]:
    r"""The component of a LayerNorm's readers that it makes constant, for each of them.

    .. math:: W \mapsto W + v (1 / \gamma)^{T}, \qquad b \mapsto b - v \sum_i \beta_i / \gamma_i

    False for an RMSNorm, which does not remove the mean.

    Args:
        model: given by :func:`symmetries.declare`.
        norm: an ``nn.LayerNorm`` over one axis.
        readers: layers that read it, named as in :func:`norm_gain`; they need not be all.
        visible: whether a constant in what the readers write changes the function; in a key it does not, since softmax
            ignores it, so that a key needs no bias to take it.

    Raises:
        SymmetryError: another norm, or a reader without a bias behind a norm with a shift.
    """
    if not isinstance(submodule(model, norm), nn.LayerNorm):
        raise SymmetryError(
            f"{norm!r}: expected nn.LayerNorm, which removes the mean, got {type(submodule(model, norm)).__name__}"
        )
    found = affine(model, norm)
    gain, shift = (View(name, "k -> 1 k 1") if name else None for name in (found.gain, found.shift))
    for reader in readers_of(model, readers):
        if reader.groups > 1 or (reader.padded and shift is not None):
            raise SymmetryError(f"{reader.name!r}: a constant does not pass a grouped or zero-padded convolution")
        if reader.bias is None and shift is not None and visible:
            raise SymmetryError(f"{reader.name!r}: expected a bias to take the constant of {norm!r}, got none")
        yield ReaderMean(
            name=f"reader_mean({label(norm, reader.name)})",
            reader=reader.view("h", "k", "(taps) k h"),
            bias=next(iter(reader.bias_view("h", "1 1 h")), None) if shift is not None else None,
            gain=gain,
            shift=shift if reader.bias is not None else None,
        )


@declaration
def writer_mean(model: nn.Module, writers: Names, *, softmax: bool = False) -> Iterator[WriterMean]:
    r"""The mean over channels of what is written to a stream that only LayerNorms read.

    .. math:: W \mapsto W + 1 u^{T}, \qquad b \mapsto b + s 1

    for each writer by itself. False when an RMSNorm, or the output of the model, reads the stream.

    Args:
        model: given by :func:`symmetries.declare`.
        writers: layers, embeddings, parameters whose last axis is the stream, or an ``nn.MultiheadAttention``, which
            writes with its output projection.
        softmax: the writer is an unembedding, and a softmax ignores the mean of the logits.

    Raises:
        SymmetryError: a name that writes no stream.
    """
    yield WriterMean(
        name=f"writer_mean({label(writers)})",
        writers=tuple(view for name in several(writers) for view in stream_rows(model, name)),
        family="mean of logits" if softmax else "mean of writers",
        flags=frozenset({SOFTMAX if softmax else EXACT}),
    )


@declaration
def layer_scale(model: nn.Module, scale: str, writer: str) -> Iterator[Gain]:
    r"""A layer scale, folded into the linear map that it scales ([Touvron2021]).

    .. math:: s \odot (W x + b), \qquad s \mapsto \lambda s, \quad (w_i, b_i) \mapsto \lambda_i^{-1} (w_i, b_i)

    Args:
        model: given by :func:`symmetries.declare`.
        scale: a parameter with one axis.
        writer: the layer that it scales, or an ``nn.MultiheadAttention``.

    Raises:
        SymmetryError: names of another kind.
    """
    found = writer_of(model, writer)
    yield Gain(
        name=f"layer_scale({label(scale, writer)})",
        gain=View(parameter(model, scale), "k -> 1 1 k"),
        readers=(found.view("k", "n", "1 (n taps) k"), *found.bias_view("k", "1 1 k")),
        family="layer scale into writer",
    )


@dataclass(frozen=True)
class Affine:
    """The names of a norm's gain and shift, where it has them."""

    gain: str | None
    shift: str | None


def affine(model: nn.Module, norm: str) -> Affine:
    """Gain and shift of a norm.

    Raises:
        SymmetryError: a module whose own parameters are not a gain and a shift.
    """
    own = own_parameters(submodule(model, norm))
    if set(own) - {"weight", "bias"} or any(value.ndim != 1 for value in own.values()):
        shapes = {name: tuple(value.shape) for name, value in own.items()}
        raise SymmetryError(f"{norm!r}: expected a norm with a weight and a bias of one axis, got {shapes}")
    gain, shift = (parameter(model, joined(norm, name)) if name in own else None for name in ("weight", "bias"))
    return Affine(gain, shift)


def readers_of(model: nn.Module, names: Names) -> tuple[Layer, ...]:
    """The layers that read a stream; an attention reads it with query, key and value."""
    modules = dict(model.named_modules(remove_duplicate=False))
    found: list[Layer] = []
    for name in several(names):
        parent, _, role = name.rpartition(".")
        if isinstance(modules.get(name), nn.MultiheadAttention):
            found += self_attention(model, name)
        elif role in _ROLES and isinstance(modules.get(parent), nn.MultiheadAttention):
            found.append(multihead(model, parent, role))
        else:
            found.append(layer(model, name))
    return tuple(found)


def self_attention(model: nn.Module, name: str) -> list[Layer]:
    """Query, key and value of an ``nn.MultiheadAttention``; a fused projection is one layer."""
    parts = [multihead(model, name, role) for role in _ROLES]
    if parts[0].weight.parts == 1:
        return parts
    bias = None if parts[0].bias is None else Block(parts[0].bias.parameter)
    return [Layer(name, Block(parts[0].weight.parameter), bias, 3 * parts[0].outputs, parts[0].inputs)]


def writer_of(model: nn.Module, name: str) -> Layer:
    """The layer that writes a stream; an attention does with its output projection."""
    if isinstance(dict(model.named_modules(remove_duplicate=False)).get(name), nn.MultiheadAttention):
        return multihead(model, name, "output")
    return layer(model, name)


def stream_rows(model: nn.Module, name: str) -> tuple[View, ...]:
    """What a writer adds to its stream, channels along *n*."""
    every = dict(model.named_parameters(remove_duplicate=False))
    if name in every:
        axes = " ".join(f"axis{i}" for i in range(every[name].ndim - 1))
        return (View(parameter(model, name), f"{axes} n -> 1 n ({axes})" if axes else "n -> 1 n 1"),)
    if isinstance(dict(model.named_modules(remove_duplicate=False)).get(name), nn.Embedding):
        return (View(parameter(model, joined(name, "weight")), "h n -> 1 n h"),)
    found = writer_of(model, name)
    return (found.view("n", "h", "1 n (h taps)"), *found.bias_view("n", "1 n 1"))


def channels_last(reader: Layer) -> View:
    """A reader as ``(taps, out, k)``, its input channels last."""
    if reader.groups > 1:
        return reader.view("groups n", "i", "(taps) n (groups i)", groups=reader.groups)
    return reader.view("n", "k", "(taps) n k")
