"""What a plan is made of."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from .reading import Reading
from .rise import AbstractRise
from .subject import Subject

#: The radius at which a rise is one half, for a geometry and a rise: see :class:`Calibration`.
UnitRadii = Callable[[AbstractRise, str], float]


class AbstractMeasurement(ABC):
    """Numbers of one subject."""

    @abstractmethod
    def readings(self, subject: Subject, units: UnitRadii) -> Iterator[Reading]:
        """The numbers, one after the other."""

    def calibrated(self) -> Iterator[tuple[AbstractRise, str]]:
        """The rises, each with a geometry, whose unit radii are asked for."""
        return iter(())
