"""The geodesic equation of a batch of factor pairs."""

from collections.abc import Sequence

from ..geodesic import AbstractSpray
from ..geodesic.base import State
from .gram import Gram


class AbstractPairSpray(AbstractSpray):
    """In a basis of the columns in which a metric is simple.

    Args:
        grams: of the columns of either factor, in which positions and velocities are coefficients.
        position: where the geodesic starts.
        outward: from that basis to the factor, shape ``(copies, h, h)``.
    """

    def __init__(self, grams: Sequence[Gram], position: State, outward: State) -> None:
        self.position = position
        self._grams = grams
        self._outward = outward

    def finish(self, change: State) -> State:
        """Back to the basis of the parameters."""
        return tuple(c @ a.to(c) for c, a in zip(change, self._outward, strict=True))
