"""The basis of a low-rank update."""

from collections.abc import Iterator

from torch import nn

from ..errors import SymmetryError
from ..group import GeneralLinear
from ..symmetry import Symmetry
from .declaration import declaration
from .layer import label, layer


@declaration
def lora_pair(model: nn.Module, A: str, B: str) -> Iterator[Symmetry]:
    r"""A low-rank update :math:`\Delta W = s B A` depends on the product only: :math:`GL(r, \mathbb{R})`.

    .. math:: B \mapsto B M^{-1}, \qquad A \mapsto M A

    Dropout on the input of A, weight decomposition (DoRA) and the scale s keep it ([Hu2022]).

    Example:
        >>> from torch import nn
        >>> from symmetries import declare
        >>> adapter = nn.ModuleDict({"A": nn.Linear(9, 3, bias=False), "B": nn.Linear(3, 7, bias=False)})
        >>> declare(adapter, lora_pair("A", "B")).dimension
        9

    Args:
        model: given by :func:`symmetries.declare`.
        A: the layer or parameter of shape (r, in).
        B: the layer or parameter of shape (out, r).

    Raises:
        SymmetryError: matrices whose ranks differ.
    """
    down, up = layer(model, A), layer(model, B)
    if down.outputs != up.inputs:
        raise SymmetryError(
            f"expected A of shape (r, in) and B of shape (out, r), got A with {down.outputs} rows and B "
            f"with {up.inputs} columns: {label(A, B)}"
        )
    yield Symmetry(
        GeneralLinear(up.inputs),
        standard=(up.view("n", "h", "1 n h"),),
        dual=(down.view("h", "n", "1 n h"),),
        name=f"lora_pair({label(A, B)})",
        family="LoRA pair",
    )
