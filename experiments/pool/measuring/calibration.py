"""The unit in which the radii of a plan are given."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ...report import read_json
from ...work import AbstractJob
from ..member import Member
from ..pool import Pool
from ..task import AbstractTask
from .equal_rise import equal_rise_radius
from .plan import Plan
from .preparation import Preparation
from .rise import AbstractRise

UNIT_RISE = 0.5
"""Of the loss, in nats: far from nothing, and far from a model that only guesses."""

MODELS = 5
"""That a unit is the median of; spread over the pool, by name."""

START = 0.1


@dataclass(frozen=True)
class Calibration(AbstractJob):
    r"""The median over a few models of the radius at which the loss rises by one half.

    .. math:: u = \operatorname*{median}_m r_m, \qquad S_m(r_m) = \tfrac12.

    Radii of different geometries have different units, absolute or relative to the weights, and the rise at a given
    one changes with the size of the network. In units of u a grid of radii covers the same rises everywhere. It is a
    unit only: all models of a pool have the same radii.

    Args:
        task: of the pool.
        pool: the models.
        plan: how much data a sample has.
        rise: the measure.
        geometry: by name.
        device: where it is measured.
    """

    task: AbstractTask
    pool: Pool
    plan: Plan
    rise: AbstractRise
    geometry: str
    device: str = "cpu"

    @property
    def result(self) -> Path:
        """One file for each measure and geometry; all plans share it."""
        return self.pool.folder / "measures" / "radii" / f"{self.rise.key(self.geometry)}.json"

    def document(self) -> dict[str, Any]:
        """The unit, and the radii that it is the median of."""
        radii = {member.id: self._radius(member) for member in spread(self.pool.trained)}
        return {"radius": median(radii.values()), "rise": UNIT_RISE, "models": radii, "failure": None}

    def failed(self, reason: str) -> dict[str, Any]:
        """Without a unit."""
        return {"radius": None, "failure": reason}

    def _radius(self, member: Member) -> float:
        subject = Preparation(self.task, member, self.plan, self.device).subject()
        return equal_rise_radius(
            lambda radius: self.rise.at(subject, self.geometry, radius).value,
            target=UNIT_RISE,
            start=START,
            tolerance=0.1,  # it is a unit
        )

    def unit(self) -> float:
        """The unit that was found.

        Raises:
            ValueError: there is none.
        """
        found = read_json(self.result)
        if found["failure"]:
            raise ValueError(f"no unit radius of {self.rise.key(self.geometry)}: {found['failure']}")
        unit: float = found["radius"]
        return unit


def spread(members: list[Member]) -> Iterator[Member]:
    """At most :data:`MODELS` of them, at equal distances."""
    step = max(1, len(members) // MODELS)
    return iter(members[::step][:MODELS])
