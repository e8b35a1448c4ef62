"""The models of a landscape at one choice of their representatives, and the sections through them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from measures import EmpiricalLoss
from quotient import Euclidean, Logarithm, Quotient, length, logarithm
from symmetries import Params

from .directions import DIRECTIONS, filter_normalized
from .section import Section

#: What a section through several models leaves around them, as a part of their extent.
MARGIN = 0.25


@dataclass(frozen=True)
class View:
    """A section, what of it is drawn, and where the models are on it.

    Args:
        section: what is drawn.
        a: the ends of the first axis.
        b: of the second.
        marks: the places of the models, the first at the origin.
        arrival: how the other models were reached.
    """

    section: Section
    a: tuple[float, float]
    b: tuple[float, float]
    marks: list[tuple[float, float]]
    arrival: tuple[Logarithm, ...] = ()

    def grid(self, points: int) -> tuple[list[float], list[float]]:
        """Equally spaced points of both axes."""
        a, b = (torch.linspace(*ends, points, dtype=torch.float64).tolist() for ends in (self.a, self.b))
        return a, b

    def facts(self) -> dict[str, Any]:
        """What a reader of the figure should know of it."""
        return {
            "marks": self.marks,
            "lengths": [length(one.coordinates).item() for one in self.arrival],
            "residuals": [one.residual for one in self.arrival],
            "steps": [one.steps for one in self.arrival],
        }


@dataclass(frozen=True)
class Scene:
    """Models at one choice of their representatives.

    Args:
        loss: of the architecture.
        geometry: modulo the symmetry.
        models: the parameters of one, two or three.
        extent: of sections through one model.
        seed: of draws.
    """

    loss: EmpiricalLoss
    geometry: Quotient
    models: Sequence[Params]
    extent: float
    seed: int

    def generator(self) -> torch.Generator:
        """A generator in the state of the seed."""
        return torch.Generator().manual_seed(self.seed)

    def around(self, directions: str) -> View:
        """The first model, on geodesics."""
        return self._centred(DIRECTIONS[directions](self.loss, self.models[0], self.geometry, self.generator()))

    def raw_around(self) -> View:
        """The first model, on filter-normalised straight lines."""
        return self._centred(filter_normalized(self.models[0], self.generator()))

    def between(self, *, tolerance: float, steps: int) -> View:
        """All models: the geodesics from the first to the others, and what they span."""
        first, *others = self.models
        arrival = tuple(
            logarithm(self.geometry, first, other, tolerance=tolerance, max_steps=steps) for other in others
        )
        chart = self.geometry.chart(self.geometry.representative(first))
        velocities = [one.coordinates for one in arrival]
        if len(velocities) < 2:
            velocities.append(chart.random(self.generator()))
        section = Section.spanned(chart, *velocities)
        return _enclosing(section, [section.place(one.coordinates) for one in arrival], arrival)

    def raw_between(self) -> View:
        """All models, on straight lines between the parameters as they are."""
        first, *others = self.models
        chart = Euclidean().chart(first)
        velocities = [chart.coordinates({name: other[name] - p for name, p in first.items()}) for other in others]
        places = len(velocities)
        if places < 2:
            velocities.append(chart.random(self.generator()))
        section = Section.spanned(chart, *velocities)
        return _enclosing(section, [section.place(velocity) for velocity in velocities[:places]], ())

    def _centred(self, section: Section) -> View:
        ends = (-self.extent, self.extent)
        return View(section, ends, ends, [(0.0, 0.0)])


def _enclosing(section: Section, places: list[tuple[float, float]], arrival: tuple[Logarithm, ...]) -> View:
    """A square frame around the origin and the places of the other models."""
    marks = [(0.0, 0.0), *places]
    lows, highs = ([pick(mark[axis] for mark in marks) for axis in (0, 1)] for pick in (min, max))
    side = (1.0 + 2.0 * MARGIN) * max(high - low for low, high in zip(lows, highs, strict=True))
    a, b = (((low + high - side) / 2, (low + high + side) / 2) for low, high in zip(lows, highs, strict=True))
    return View(section, a, b, marks, arrival)
