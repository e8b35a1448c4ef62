"""How much the loss rises on a ball, as a function of its radius."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from measures import Sharpness, average_case_sharpness, worst_case_sharpness

from .reading import setting_text
from .subject import Logits, Subject


@dataclass(frozen=True)
class AbstractRise(ABC):
    """A measure with a radius.

    Attributes:
        name: of the measure.

    Args:
        logits: what is done to the output before the loss.
    """

    name: ClassVar[str]
    logits: Logits = "raw"

    @abstractmethod
    def at(self, subject: Subject, geometry: str, radius: float) -> Sharpness:
        """The rise on the ball of a radius."""

    @property
    def options(self) -> dict[str, object]:
        """What else the number depends on, by name; the usual is not said."""
        return {} if self.logits == "raw" else {"logits": self.logits}

    def key(self, geometry: str) -> str:
        """A name for it in one geometry."""
        return ", ".join(filter(None, (self.name, geometry, setting_text(self.options))))


@dataclass(frozen=True)
class WorstCase(AbstractRise):
    """:func:`measures.worst_case_sharpness`; ``steps`` is that of the ascent."""

    name: ClassVar[str] = "worst case"
    steps: int = 20

    def at(self, subject: Subject, geometry: str, radius: float) -> Sharpness:
        """The largest rise found."""
        return worst_case_sharpness(
            subject.loss(self.logits), subject.params, subject.geometry(geometry), radius=radius, steps=self.steps
        )


@dataclass(frozen=True)
class AverageCase(AbstractRise):
    """:func:`measures.average_case_sharpness`; ``samples`` is how many directions are drawn."""

    name: ClassVar[str] = "average case"
    samples: int = 20

    def at(self, subject: Subject, geometry: str, radius: float) -> Sharpness:
        """The mean rise, with its standard error."""
        return average_case_sharpness(
            subject.loss(self.logits),
            subject.params,
            subject.geometry(geometry),
            radius=radius,
            samples=self.samples,
            generator=subject.generator(),
        )
