"""All measurements of a plan on one model."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...work import AbstractJob
from ..member import Member
from ..pool import Pool
from ..task import AbstractTask
from .calibration import Calibration
from .plan import Plan
from .preparation import Preparation
from .rise import AbstractRise


@dataclass(frozen=True)
class Measuring(AbstractJob):
    """The rows of one model.

    Args:
        task: of the pool.
        pool: the models.
        plan: what is measured.
        model: name of the model.
        device: where it is measured.
    """

    task: AbstractTask
    pool: Pool
    plan: Plan
    model: str
    device: str = "cpu"

    @property
    def result(self) -> Path:
        """A file for each model, in the folder of the plan."""
        return self.pool.folder / "measures" / self.plan.name / f"{self.model}.json"

    def document(self) -> dict[str, Any]:
        """The rows."""
        return {"rows": list(self._rows()), "failure": None}

    def failed(self, reason: str) -> dict[str, Any]:
        """No rows."""
        return {"rows": [], "failure": reason}

    def _rows(self) -> Iterator[dict[str, Any]]:
        preparation = Preparation(self.task, Member.at(self.pool.place(self.model)), self.plan, self.device)
        for part in self.plan.parts:
            for sample in part.samples:
                subject = preparation.subject(sample, part.representative)
                for measurement in part.measurements:
                    for reading in measurement.readings(subject, self._unit):
                        yield reading.record(self.model, sample, part.representative)

    def _unit(self, rise: AbstractRise, geometry: str) -> float:
        return Calibration(self.task, self.pool, self.plan, rise, geometry).unit()
