"""The elementwise metric of coupled rescalings."""

from typing import Any

import torch

from ..geodesic import AbstractSpray
from ..geodesic.base import State


class ChainSpray(AbstractSpray):
    r"""The geodesics of :math:`\sum (dw / w)^2`, flat in :math:`\log |w|`: :math:`w\, e^{t \xi / w}`.

    Positions are relative, :math:`w(t) / w(0)`, so that a zero weight needs no division: it stays where it is.
    """

    def __init__(self, weights: State) -> None:
        self.position = tuple(torch.ones_like(w) for w in weights)
        self._weights = weights

    def acceleration(self, position: Any, velocity: Any) -> Any:
        r""":math:`\dot w^2 / w`."""
        return tuple(v * v * w.reciprocal() for w, v in zip(position, velocity, strict=True))

    def finish(self, change: State) -> State:
        """Times the weights at the start."""
        return tuple(x * w for x, w in zip(change, self._weights, strict=True))

    def closed_form(self, velocity: State) -> State:
        """The weights times the exponential of the relative velocity, less the weights."""
        return self.finish(tuple(v.expm1() for v in velocity))
