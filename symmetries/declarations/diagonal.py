"""Diagonal linear networks."""

from collections.abc import Iterator

from torch import nn

from ..errors import SymmetryError
from ..group import GeneralLinear
from ..symmetry import Symmetry
from ..view import View
from .declaration import declaration
from .layer import label, parameter


@declaration
def diagonal(model: nn.Module, u: str, v: str) -> Iterator[Symmetry]:
    r"""Two vectors of which only the product counts: :math:`GL(1, \mathbb{R})` for every coordinate.

    .. math:: \langle u \odot v, x \rangle, \qquad u_i \mapsto u_i / a_i, \quad v_i \mapsto a_i v_i

    The diagonal linear network of [Woodworth2020].

    Args:
        model: given by :func:`symmetries.declare`.
        u: a parameter with one axis.
        v: another, of the same length.

    Raises:
        SymmetryError: parameters of other shapes.
    """
    names = [parameter(model, name) for name in (u, v)]
    for name in names:
        if model.get_parameter(name).ndim != 1:
            raise SymmetryError(f"{name!r}: expected a vector, got shape {tuple(model.get_parameter(name).shape)}")
    standard, dual = (View(name, "copies -> copies 1 1") for name in names)
    yield Symmetry(
        GeneralLinear(1), standard=(standard,), dual=(dual,), name=f"diagonal({label(u, v)})", family="diagonal net"
    )
