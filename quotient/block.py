"""Blocks: the parts a quotient's chart is made of."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from symmetries import Covector, Params, Tangent

from .coordinates import Coordinates
from .pullback import Pullback, pulled_back


class AbstractBlock(ABC):
    """A chart on some entries of some parameters; the charts of different blocks are orthogonal to each other.

    Methods whose name ends in an underscore replace the block's entries in a dictionary they are given. Laws as for
    :class:`quotient.geometry.AbstractChart`.
    """

    @property
    @abstractmethod
    def entries(self) -> int:
        """The number of coordinates along which the frame does not vanish."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """The number of horizontal directions: entries, less vertical and pinned ones."""

    @property
    @abstractmethod
    def tensors(self) -> int:
        """How many tensors the coordinates are."""

    @abstractmethod
    def zeros(self) -> Coordinates:
        """The coordinates of the point."""

    @abstractmethod
    def vector_(self, tangent: Tangent, x: Coordinates) -> None:
        """Put ``E x`` into ``tangent``, which is zero there."""

    @abstractmethod
    def coordinates(self, tangent: Tangent) -> Coordinates:
        """``E^-1 u``."""

    @abstractmethod
    def components(self, covector: Covector) -> Coordinates:
        """``E^T c``."""

    @abstractmethod
    def covector_(self, covector: Covector, x: Coordinates) -> None:
        """Put ``E^-T x`` into ``covector``, which is zero there."""

    @abstractmethod
    def project(self, x: Coordinates) -> Coordinates:
        """The horizontal part."""

    @abstractmethod
    def second_moments(self, x: Coordinates) -> Coordinates:
        """Mean squares over the smallest parts that the group maps to themselves; they broadcast against ``x``."""

    @abstractmethod
    def ends(self, x: Coordinates) -> tuple[Tensor, ...]:
        """Where geodesics of velocity ``E x`` take the entries, as tensors that :meth:`place_` understands."""

    @abstractmethod
    def place_(self, params: Params, ends: tuple[Tensor, ...], into: Params) -> None:
        """Replace the entries of ``params``, which are those of the point, by :meth:`ends`.

        A tensor in ``into`` may be taken in place of a copy: entries that no block moves are there already.
        """

    @abstractmethod
    def entries_of(self, covector: Covector) -> tuple[Tensor, ...]:
        """What a covector pairs with :meth:`ends`."""

    def linearized(
        self, x: Coordinates, *, horizontal: bool, into: Params | None
    ) -> tuple[tuple[Tensor, ...], Pullback]:
        """:meth:`ends`, detached, and the transpose of their differential at ``x``, if asked for projected.

        See :meth:`quotient.AbstractChart.linearized`; of the covector a block writes over nothing but its own entries.
        """
        leaves = tuple(a.detach().requires_grad_() for a in x)
        with torch.enable_grad():
            ends = self.ends(leaves)

        def pull(covector: Covector) -> Coordinates:
            gradient = pulled_back(ends, leaves, self.entries_of(covector))
            return self.project(gradient) if horizontal else gradient

        return tuple(end.detach() for end in ends), pull

    def within(self, radius: float) -> "AbstractBlock":
        """The block's part of :meth:`quotient.AbstractChart.within`."""
        return self

    def bending(self, covector: Covector, x: Coordinates) -> Tensor | None:
        """The block's part of :meth:`quotient.AbstractChart.bending`."""
        return None
