"""What is measured of every model of a pool."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..frame import Representative
from .measurement import AbstractMeasurement
from .rise import AbstractRise


@dataclass(frozen=True)
class Part:
    """Measurements on some samples at one representative.

    Args:
        measurements: on each sample.
        samples: numbers of the data samples.
        representative: the weights as trained, or weights that a random function-preserving element has moved.
    """

    measurements: tuple[AbstractMeasurement, ...]
    samples: tuple[int, ...] = (0,)
    representative: Representative = "trained"


@dataclass(frozen=True)
class Plan:
    """Measurements, and on how much data they are taken.

    Args:
        name: of the plan, and of its table.
        parts: what is measured.
        examples: in one sample.
        batch: examples in one batch; worst cases are found for each, and averaged.
    """

    name: str
    parts: tuple[Part, ...]
    examples: int = 128
    batch: int = 64

    def calibrated(self) -> Iterator[tuple[AbstractRise, str]]:
        """The rises, with a geometry each, whose unit radii are needed; each once."""
        asked = (one for part in self.parts for measurement in part.measurements for one in measurement.calibrated())
        return iter(dict.fromkeys(asked))
