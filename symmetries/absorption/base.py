"""The abstract absorption."""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from ..factor import AbstractFactor
from ..params import Params, Shapes
from ..view import View


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
    def pins(self) -> tuple[View, ...]:
        """The views whose mean over rows the section holds."""

    @abstractmethod
    def section(self, params: Params) -> Tensor:
        """The element that moves ``params`` to the section."""

    def random_algebra(self, shapes: Shapes, *, generator: torch.Generator | None) -> Tensor:
        """A Gaussian vector."""
        return torch.randn(self.dimension(shapes), generator=generator, dtype=torch.float64)
