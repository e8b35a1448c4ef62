"""The abstract absorption."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import SymmetryError
from ..factor import AbstractFactor
from ..params import Params, Shapes, Tangent
from ..view import View

Change = tuple[View, Tensor] | tuple[View, Tensor, Tensor]
"""What is added to what a view reads: a tensor that broadcasts to it, or the product of two, which is not formed."""


class AbstractAbsorption(AbstractFactor):
    r"""A symmetry with a global section: every orbit meets it once, and ``section`` says how to get there.

    The section is linear. It is stated by :attr:`pins`: along the rows *n* of each of these views, the mean is held at
    its canonical value (a view of a single row is held as it is: a gain at 1, a bias at 0). Tangents of the section
    have zero mean there, which is how a geometry keeps to it. Every column of a pin is one condition; together they are
    as many as the group has dimensions.

    Elements are flat vectors; laws as for every factor, and ``act(section(p), p)`` is the same for all p of an orbit.
    """

    #: Absorptions of an earlier stage move to their section first, because a later one reads what they fix.
    stage: ClassVar[int]

    @property
    @abstractmethod
    def moved(self) -> tuple[View, ...]:
        """The views that change; the others of :attr:`views` are read."""

    @property
    @abstractmethod
    def pins(self) -> tuple[View, ...]:
        """The views whose mean over rows the section holds."""

    @abstractmethod
    def section(self, params: Params) -> Tensor | None:
        """The element that moves ``params`` to the section; None at a singular point, which stays where it is."""

    def random_algebra(self, shapes: Shapes, *, generator: torch.Generator | None) -> Tensor:
        """A Gaussian vector."""
        return torch.randn(self.dimension(shapes), generator=generator, dtype=torch.float64)


def require_last_axis(name: str, views: tuple[View, ...], k: int, shapes: Shapes) -> None:
    """Raise ``SymmetryError`` unless all views have ``k`` columns."""
    for view in views:
        got = view.shape(shapes)
        if got[2] != k:
            raise SymmetryError(
                f"{name}: expected {k} channels in the last axis of {view.parameter!r} read as {view.pattern!r}, "
                f"got shape {got}"
            )


def added(changes: Iterable[Change], target: Params) -> Params:
    """``target`` with changes added to what views read of it, in place."""
    for view, *change in changes:
        view.add_(target, *change)
    return target


def zeros(params: Params, names: Iterable[str]) -> Tangent:
    """A tangent at ``params`` with these entries, all zero."""
    return {name: torch.zeros_like(params[name]) for name in names}
