"""A pool before the judge: its measurements, and how they are asked."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from measures import JudgementProtocol, MatchedRadius, UndefinedStatisticError

from ..frame import Column, Frame
from .equal_rise import EqualRise, equal_rises
from .family import Family, chosen, families

#: One line of a table: names of columns to what stands in them, None for what is missing.
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What was measured of a pool by one plan, and how it is judged.

    Args:
        frame: the measurements.
        protocol: of the statistics.
        seed: of all their draws; each starts anew from it, so that no number depends on what else is asked.
    """

    frame: Frame
    protocol: JudgementProtocol
    seed: int = 0

    @cached_property
    def families(self) -> list[Family]:
        """The measures, but those that are known without measuring."""
        return [family for family in families(self.frame) if family.name not in self.known]

    @cached_property
    def known(self) -> dict[str, list[float]]:
        """Numbers that are known of the models without measuring, by name."""
        return self.frame.table({}).known()

    @cached_property
    def rises(self) -> list[EqualRise]:
        """The radii at which geometries are compared."""
        return equal_rises(self.families)

    @cached_property
    def targets(self) -> dict[str, list[float]]:
        """What measures should predict."""
        return self.frame.targets

    @cached_property
    def matched(self) -> dict[str, tuple[MatchedRadius, float]]:
        """The radius of a family at equal rise, and the rise."""
        return {name: (radius, equal.rise) for equal in self.rises for name, radius in equal.matched.items()}

    def settled(self, family: Family) -> tuple[str, Sequence[float]] | None:
        """The values of a family that no target has chosen, and where they are taken; None where there are none.

        Those at equal rise, or those of its only setting.
        """
        if family.name in self.matched:
            at, rise = self.matched[family.name]
            return f"radius {at.radius:.3g}, rise {rise:.3g}", at.values
        if len(family.candidates) == 1:
            ((column, values),) = family.candidates.items()
            return chosen(column) or "its only setting", values
        return None

    def settled_elsewhere(self, family: Family) -> Sequence[float] | None:
        """The same at other weights of the same functions, and at the same radius; None where it was not measured."""
        settled = self.settled(family)
        moved = [values for column in family.radii or family.candidates if (values := self.moved(column)) is not None]
        if settled is None or len(moved) < len(family.candidates):
            return None
        if family.name not in self.matched:
            return moved[0]
        radii = np.log([column.radius or 0.0 for column in family.radii])
        place = math.log(self.matched[family.name][0].radius)
        return [float(np.interp(place, radii, row)) for row in zip(*moved, strict=True)]

    def generator(self) -> torch.Generator:
        """Where the draws of one statistic come from."""
        return torch.Generator().manual_seed(self.seed)

    def bootstrap(self) -> dict[str, Any]:
        """What every interval over configurations is made with."""
        return {
            "groups": self.configurations,
            "confidence": self.protocol.confidence,
            "resamples": self.protocol.resamples,
            "generator": self.generator(),
        }

    @cached_property
    def configurations(self) -> list[Any]:
        """The configuration of every model."""
        return self.frame.table({}).configurations

    def moved(self, column: Column) -> list[float] | None:
        """The values at other weights of the same functions; None where they were not measured."""
        return self.frame.columns.get(column.moved())


def determined(statistic: Callable[..., Mapping[str, Any]], *arguments: Any) -> Row:
    """The cells that a statistic fills; where models do not determine it, the note that says why."""
    try:
        return dict(statistic(*arguments))
    except UndefinedStatisticError as reason:
        return {"note": str(reason)}
