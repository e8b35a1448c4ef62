"""Rényi sharpness by order and layer, as a part of a plan."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from measures import Row, Spectrum, hessian_spectrum, layer_spectra, timed

from .derivatives import RENYI
from .measurement import AbstractMeasurement, UnitRadii
from .reading import Reading, setting_text
from .subject import Subject

Estimated = TypeVar("Estimated")


@dataclass(frozen=True)
class Entropies(AbstractMeasurement):
    """Rényi sharpness of the whole Hessian and of the block of every layer, see :func:`measures.renyi_sharpness`.

    Args:
        geometries: by name.
        orders: alpha.
        probes: starting vectors of a spectrum.
        steps: Lanczos steps from each.
    """

    geometries: tuple[str, ...]
    orders: tuple[float, ...]
    probes: int = 2
    steps: int = 15

    def readings(self, subject: Subject, units: UnitRadii) -> Iterator[Reading]:
        """A row for every geometry, layer and order; the whole has no layer in its setting."""
        for name in self.geometries:
            whole, seconds = timed(partial(self._estimated, hessian_spectrum, subject, name))
            yield from self._orders(whole, name, {}, seconds)
            layers, seconds = timed(partial(self._estimated, layer_spectra, subject, name))
            for layer, spectrum in layers.items():
                yield from self._orders(spectrum, name, {"layer": layer}, seconds / len(layers))

    def _estimated(self, estimate: Callable[..., Estimated], subject: Subject, geometry: str) -> Estimated:
        """By the probes and steps of this measurement."""
        return estimate(
            subject.loss(),
            subject.params,
            subject.geometry(geometry),
            probes=self.probes,
            steps=self.steps,
            generator=subject.generator(),
        )

    def _orders(self, spectrum: Spectrum, geometry: str, where: dict[str, object], seconds: float) -> Iterator[Reading]:
        """One spectrum at all orders."""
        for alpha in self.orders:
            found = spectrum.renyi_estimate(alpha)
            row = Row(RENYI, geometry, found.value, found.stderr, seconds)
            yield Reading(row, setting=setting_text(where | {"alpha": alpha}))
