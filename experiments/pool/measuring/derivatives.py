"""Measures without a radius, as parts of a plan."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from measures import Literature, MeasureTable, Row, measure

from .measurement import AbstractMeasurement, UnitRadii
from .reading import Reading, setting_text
from .subject import Subject

RENYI = "Rényi"


@dataclass(frozen=True)
class Derivatives(AbstractMeasurement):
    """Loss, norms, gradient norm, trace, largest eigenvalue and Rényi sharpness; see :func:`measures.measure`.

    Args:
        geometries: by name.
        orders: of Rényi sharpness.
        probes: starting vectors of the spectrum.
        steps: Lanczos steps from each.
        published: those of the geometries over which :class:`measures.Literature` is added; it is slow.
        samples: draws of its PAC-Bayes flatness.
    """

    geometries: tuple[str, ...]
    orders: tuple[float, ...] = (0.5, 1.5)
    probes: int = 2
    steps: int = 10
    published: tuple[str, ...] = ()
    samples: int = 5

    def readings(self, subject: Subject, units: UnitRadii) -> Iterator[Reading]:
        """The rows of the table that :func:`measures.measure` makes; an order becomes a setting."""
        orders = {f"{RENYI} {alpha:g}": alpha for alpha in self.orders}
        for row in self._rows(subject):
            if row.measure in orders:
                yield Reading(replace(row, measure=RENYI), setting=setting_text({"alpha": orders[row.measure]}))
            else:
                yield Reading(row)

    def _rows(self, subject: Subject) -> Iterator[Row]:
        """What needs no geometry comes once, with the first table."""
        others = tuple(name for name in self.geometries if name not in self.published)
        groups = [group for group in (self.published, others) if group]
        for place, names in enumerate(groups):
            rows = self._table(subject, names).rows
            yield from (row for row in rows if row.geometry or place == 0)

    def _table(self, subject: Subject, geometries: tuple[str, ...]) -> MeasureTable:
        return measure(
            subject.loss(),
            subject.params,
            {name: subject.geometry(name) for name in geometries},
            radius=None,
            samples=self.samples,
            probes=self.probes,
            lanczos_steps=self.steps,
            alphas=self.orders,
            literature=Literature() if geometries == self.published else None,
            generator=subject.generator(),
        )
