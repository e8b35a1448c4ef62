"""Blocks: the parts a quotient's chart is made of."""

from abc import ABC, abstractmethod

from torch import Tensor

from symmetries import Covector, Params, Tangent

from .coordinates import Coordinates


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
    def exp_(self, params: Params, x: Coordinates) -> None:
        """Replace the entries of ``params``, which are those of the point, by the end of the geodesic."""

    def bending(self, covector: Covector, x: Coordinates) -> Tensor | None:
        """The block's part of :meth:`quotient.AbstractChart.bending`."""
        return None
