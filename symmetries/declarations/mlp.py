"""Rescalings of positively homogeneous units, and chains of linear layers."""

from collections.abc import Iterator

from torch import nn

from ..absorption import Shift
from ..errors import SymmetryError
from ..group import GeneralLinear
from ..symmetry import Symmetry
from ..view import View
from .declaration import declaration
from .layer import Layer, Names, label, layer, layers, several, submodule

#: Between two layers these keep r(c x) = c r(x) for every c > 0 and every channel.
HOMOGENEOUS = (
    nn.ReLU,
    nn.LeakyReLU,
    nn.PReLU,
    nn.Identity,
    nn.Flatten,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d,
)


@declaration
def relu_rescaling(model: nn.Module, first: Names, second: Names, *, activation: Names = ()) -> Iterator[Symmetry]:
    r"""Rescaling of the units between two layers: :math:`GL(1, \mathbb{R})_+` for every unit or channel.

    .. math:: W_2\, r(W_1 x + b_1), \qquad (w_i, b_i) \mapsto \lambda_i (w_i, b_i),
              \quad W_{2, \cdot i} \mapsto \lambda_i^{-1} W_{2, \cdot i}

    for ReLU, leaky ReLU, max and average pooling, and dropout in between. False for GELU, SiLU, tanh, ReLU6,
    and for a norm in between ([Dinh2017]).

    The layers are linear or convolutions; a linear layer after a flattened feature map reads its channels in
    blocks; groups of either convolution are allowed.

    Example:
        >>> from torch import nn
        >>> from symmetries import declare
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))
        >>> declare(model, relu_rescaling("0", "3")).dimension
        4

    Args:
        model: given by :func:`symmetries.declare`.
        first: what writes the units: a layer, or several whose outputs are added or shared.
        second: what reads them: all layers that do.
        activation: names of the modules in between, if they are to be checked.

    Raises:
        SymmetryError: layers that do not fit together, or an activation that is not homogeneous.
    """
    for name in several(activation):
        if not isinstance(submodule(model, name), HOMOGENEOUS):
            raise SymmetryError(
                f"{name!r}: expected a positively homogeneous activation such as ReLU or LeakyReLU, got "
                f"{type(submodule(model, name)).__name__}, through which no rescaling passes"
            )
    writers, readers = layers(model, first), layers(model, second)
    yield Symmetry(
        GeneralLinear(1, positive=True),
        standard=tuple(view for writer in writers for view in unit_rows(writer)),
        dual=tuple(unit_columns(reader, writers[0].outputs) for reader in readers),
        name=f"relu_rescaling({label(first, second)})",
        family="ReLU rescaling",
    )


@declaration
def linear_chain(model: nn.Module, first: str, second: str) -> Iterator[Symmetry | Shift]:
    r"""Two linear layers with nothing in between: :math:`GL(h, \mathbb{R})` on the h features they share.

    .. math:: W_2 (W_1 x + b_1) + b_2, \qquad (W_1, b_1) \mapsto A (W_1, b_1), \quad W_2 \mapsto W_2 A^{-1}

    and, where both have a bias, :math:`b_1 \mapsto b_1 + c, \; b_2 \mapsto b_2 - W_2 c`.

    Args:
        model: given by :func:`symmetries.declare`.
        first: the linear layer that writes the features.
        second: the only one that reads them.

    Raises:
        SymmetryError: layers that do not fit together.
    """
    writer, reader = layer(model, first), layer(model, second)
    if writer.taps or reader.taps:
        raise SymmetryError(f"expected two linear layers, got a convolution in {label(first, second)}")
    yield Symmetry(
        GeneralLinear(writer.outputs),
        standard=(writer.view("h", "n", "1 n h"), *writer.bias_view("h", "1 1 h")),
        dual=(reader.view("n", "h", "1 n h"),),
        name=f"linear_chain({label(first, second)})",
        family="linear chain",
    )
    for source, target in zip(writer.bias_view("k", "1 1 k"), reader.bias_view("k", "1 k 1"), strict=False):
        yield Shift(
            name=f"linear_chain({label(first, second)}) bias",
            source=source,
            readers=((reader.view("n", "k", "1 n k"), target),),
            family="linear chain",
        )


def unit_rows(writer: Layer) -> tuple[View, ...]:
    """The incoming weights and the bias of every unit, ``(units, n, 1)``."""
    return (writer.view("copies", "n", "copies (n taps) 1"), *writer.bias_view("copies", "copies 1 1"))


def unit_columns(reader: Layer, units: int) -> View:
    """The outgoing weights of every unit, ``(units, n, 1)``; after flattening a unit is several columns."""
    if reader.inputs % units or (reader.taps and reader.inputs != units):
        raise SymmetryError(
            f"{reader.name!r}: expected inputs for {units} units, or a multiple of it after flattening, got "
            f"{reader.inputs}"
        )
    if reader.groups > 1:
        return reader.view("groups n", "i", "(groups i) (n taps) 1", groups=reader.groups)
    if reader.inputs > units:
        return reader.view("n", "copies space", "copies (n space) 1", copies=units)
    return reader.view("n", "copies", "copies (n taps) 1")
