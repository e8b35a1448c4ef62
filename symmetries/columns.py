"""Factors whose columns come from several parameters."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import SymmetryError
from .params import Params, Shapes
from .view import View, portions


@dataclass(frozen=True)
class Columns:
    r"""Views side by side: matrices :math:`[s_1 V_1, s_2 V_2, \ldots]`.

    Two low-rank updates of one weight are one of the sum of their ranks, :math:`s_1 B_1 A_1 + s_2 B_2 A_2 = [s_1 B_1,
    s_2 B_2] [A_1; A_2]`: a change of basis mixes their columns.

    Points and tangents are read with the scales; covectors, whose pairing with tangents must stay, with their inverses.

    Example:
        >>> both = Columns((View("B1", "n h -> 1 n h"), View("B2", "n h -> 1 n h")), (2.0, 1.0))
        >>> both.read({"B1": torch.ones(3, 1), "B2": torch.ones(3, 2)})[0, 0]
        tensor([2., 1., 1.])

    Args:
        views: with copies and rows in common.
        scales: a number other than zero for each; ones by default.

    Raises:
        ValueError: not one scale for each view, or a scale of zero.
    """

    views: tuple[View, ...]
    scales: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "scales", tuple(self.scales) or (1.0,) * len(self.views))
        if len(self.scales) != len(self.views) or 0.0 in self.scales:
            raise ValueError(f"expected {len(self.views)} scales other than zero, got {self.scales}")

    def shape(self, shapes: Shapes) -> tuple[int, int, int]:
        """``(copies, n, h)`` for a model with parameters of these shapes."""
        each = [view.shape(shapes) for view in self.views]
        if len({(copies, n) for copies, n, _ in each}) > 1:
            names = [view.parameter for view in self.views]
            raise SymmetryError(f"columns side by side need copies and rows in common, got {each} for {names}")
        return each[0][0], each[0][1], sum(h for _, _, h in each)

    def read(self, params: Params, *, covector: bool = False) -> Tensor:
        """The matrices, shape ``(copies, n, h)``."""
        power = -1 if covector else 1
        pieces = [
            view.read(params) if s == 1 else view.read(params) * s**power
            for view, s in zip(self.views, self.scales, strict=True)
        ]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=-1)

    def read_into_(self, params: Params, target: Tensor, *, covector: bool = False) -> None:
        """:meth:`read` into memory of that shape."""
        shapes = {view.parameter: params[view.parameter].shape for view in self.views}
        pieces = portions(target, [view.shape(shapes)[2] for view in self.views], dim=-1)
        for view, s, piece in zip(self.views, self.scales, pieces, strict=True):
            view.read_into_(params, piece)
            if s != 1:
                piece.mul_(s ** (-1 if covector else 1))

    def write_(self, params: Params, value: Tensor, *, covector: bool = False) -> None:
        """Write matrices of shape ``(copies, n, h)`` into the parameters, in place."""
        power = 1 if covector else -1
        widths = [view.shape({view.parameter: params[view.parameter].shape})[2] for view in self.views]
        for view, s, piece in zip(self.views, self.scales, value.split(widths, dim=-1), strict=True):
            view.write_(params, piece if s == 1 else piece * s**power)
