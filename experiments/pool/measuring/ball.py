"""Measures with a radius, as parts of a plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from measures import Row, timed

from .equal_rise import equal_rise_radius
from .measurement import AbstractMeasurement, UnitRadii
from .reading import Reading, setting_text
from .rise import AbstractRise, WorstCase
from .subject import Subject


@dataclass(frozen=True)
class RadiusGrid(AbstractMeasurement):
    """A rise at several radii, equal for all models, in several geometries.

    Radii of different geometries have different units. Here each is measured by the radius that raises the loss by one
    half, see :class:`Calibration`, so that a factor means about the same in all of them.

    Args:
        rise: the measure.
        geometries: by name.
        factors: the radii in those units.
        unit: whose radius is the unit; by default that of the measure itself.
    """

    rise: AbstractRise
    geometries: tuple[str, ...]
    factors: tuple[float, ...]
    unit: AbstractRise | None = None

    def readings(self, subject: Subject, units: UnitRadii) -> Iterator[Reading]:
        """A row for every geometry and radius."""
        for geometry in self.geometries:
            for factor in self.factors:
                radius = factor * units(self.unit or self.rise, geometry)
                found, seconds = timed(partial(self.rise.at, subject, geometry, radius))
                row = Row(self.rise.name, geometry, found.value, found.stderr, seconds)
                yield Reading(row, radius, setting_text(self.rise.options))

    def calibrated(self) -> Iterator[tuple[AbstractRise, str]]:
        """Every geometry."""
        return ((self.unit or self.rise, geometry) for geometry in self.geometries)


@dataclass(frozen=True)
class EqualRise(AbstractMeasurement):
    """The radius of every model by itself at which its loss rises by a given amount: small where it is sharp.

    The other way to compare models at equal rise; :func:`measures.matched_radius` takes one radius for all of them.

    Args:
        geometries: by name.
        target: the rise.
        rise: the measure.
    """

    geometries: tuple[str, ...]
    target: float = 0.5
    rise: AbstractRise = WorstCase()

    def readings(self, subject: Subject, units: UnitRadii) -> Iterator[Reading]:
        """A row for every geometry, whose value is the radius."""
        for geometry in self.geometries:
            start = units(self.rise, geometry)
            radius, seconds = timed(partial(self._radius, subject, geometry, start))
            setting = setting_text(self.rise.options | {"rise": self.target})
            yield Reading(Row("radius of equal rise", geometry, radius, seconds=seconds), setting=setting)

    def _radius(self, subject: Subject, geometry: str, start: float) -> float:
        return equal_rise_radius(
            lambda radius: self.rise.at(subject, geometry, radius).value, target=self.target, start=start
        )

    def calibrated(self) -> Iterator[tuple[AbstractRise, str]]:
        """Every geometry: the search starts at the unit radius."""
        return ((self.rise, geometry) for geometry in self.geometries)
