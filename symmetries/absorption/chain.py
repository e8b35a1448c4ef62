"""How a constant reaches a bias."""

from torch import Tensor

from ..errors import SymmetryError
from ..params import Params, Shapes
from ..view import View

Chain = tuple[View, ...]
"""Weights ``(copies, out, k)``, each summed over its copies, that pass a constant on, and gains ``(k, 1, 1)``, which
multiply it entry by entry; last the bias ``(1, out, m)`` that takes it back, in every column. A bias alone takes the
constant as it is."""


def taken_back(chain: Chain, constant: Tensor, params: Params) -> tuple[View, Tensor]:
    """The bias at the end of a chain and how it changes, shape ``(1, out, 1)``, for a constant of shape ``(k,)``."""
    *weights, bias = chain
    for weight in weights:
        matrices = weight.read(params)
        passes = matrices.shape[-1] == len(constant)
        constant = (matrices @ constant).sum(0) if passes else matrices.flatten() * constant
    return bias, -constant[None, :, None]


def require_chain(name: str, chain: Chain, channels: int, shapes: Shapes) -> None:
    """Raise ``SymmetryError`` unless the chain passes on constants with so many channels."""
    for i, view in enumerate(chain):
        copies, out, k = view.shape(shapes)
        is_bias = i == len(chain) - 1
        if not is_bias and (copies, out, k) == (channels, 1, 1):
            continue
        if (copies, out) != (1, channels) if is_bias else k != channels:
            expected = f"(1, {channels}, columns)" if is_bias else f"(copies, out, {channels})"
            raise SymmetryError(
                f"{name}: expected the {'bias' if is_bias else 'weight'} {view.parameter!r} to read as {expected}, got "
                f"{(copies, out, k)}"
            )
        channels = out
