"""Rescalings of gated units."""

from collections.abc import Iterator

from torch import nn

from ..errors import SymmetryError
from ..group import GeneralLinear
from ..symmetry import Symmetry
from .declaration import declaration
from .layer import label, layer
from .mlp import unit_columns, unit_rows


@declaration
def gated_mlp(
    model: nn.Module, *, up: str, down: str, gate: str | None = None, relu_gate: bool = False
) -> Iterator[Symmetry]:
    r"""Rescaling of the linear branch of a gated MLP: :math:`GL(1, \mathbb{R})` for every hidden unit, either sign.

    .. math:: W_d\, [\sigma(W_g x) \odot (W_u x + b_u)], \qquad (w_u, b_u)_i \mapsto \lambda_i (w_u, b_u)_i,
              \quad W_{d, \cdot i} \mapsto \lambda_i^{-1} W_{d, \cdot i}

    for any gate :math:`\sigma` (SwiGLU, GeGLU, [Shazeer2020]). A ReLU gate may be rescaled by positive factors too.

    Example:
        >>> from torch import nn
        >>> from symmetries import declare
        >>> block = nn.ModuleDict({"gate": nn.Linear(4, 6), "up": nn.Linear(4, 6), "down": nn.Linear(6, 4)})
        >>> declare(block, gated_mlp(up="up", down="down")).dimension
        6

    Args:
        model: given by :func:`symmetries.declare`.
        up: the linear branch.
        down: what reads the product.
        gate: the gated branch; needed with ``relu_gate``.
        relu_gate: whether the gate is a ReLU.

    Raises:
        SymmetryError: layers that do not fit together, or a ReLU gate without a name.
    """
    linear, reader = layer(model, up), layer(model, down)
    columns = (unit_columns(reader, linear.outputs),)
    yield Symmetry(
        GeneralLinear(1),
        standard=unit_rows(linear),
        dual=columns,
        name=f"gated_mlp({label(up, down)})",
        family="gated MLP",
    )
    if not relu_gate:
        return
    if gate is None:
        raise SymmetryError("relu_gate=True: expected the name of the gated branch, got none; pass gate=...")
    yield Symmetry(
        GeneralLinear(1, positive=True),
        standard=unit_rows(layer(model, gate)),
        dual=columns,
        name=f"gated_mlp({label(gate, down)})",
        family="ReLU gate",
    )
