"""The plans that there are."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .ball import EqualRise, RadiusGrid
from .derivatives import Derivatives
from .entropies import Entropies
from .geometries import COMPARED, GEOMETRIES
from .plan import Part, Plan
from .rise import AverageCase, WorstCase


@dataclass(frozen=True)
class Effort:
    """How much work a plan is.

    Args:
        factors: radii, in units of the one that raises the loss by one half.
        steps: of an ascent.
        draws: of an average.
        probes: starting vectors of a spectrum.
        lanczos: steps from each.
        widths: draws of the PAC-Bayes flatness.
        examples: in a sample.
        batch: of them.
    """

    factors: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    steps: int = 20
    draws: int = 10
    probes: int = 2
    lanczos: int = 10
    widths: int = 3
    examples: int = 128
    batch: int = 64

    @property
    def worst(self) -> RadiusGrid:
        """Worst cases over the geometries that are compared."""
        return RadiusGrid(WorstCase(steps=self.steps), tuple(COMPARED), self.factors)

    @property
    def average(self) -> RadiusGrid:
        """Average cases over them."""
        return RadiusGrid(AverageCase(samples=self.draws), tuple(COMPARED), self.factors)

    @property
    def derivatives(self) -> Derivatives:
        """What needs no radius, over them."""
        return Derivatives(tuple(COMPARED), probes=self.probes, steps=self.lanczos, samples=self.widths)

    @property
    def published(self) -> Derivatives:
        """The same, with the measures of the literature where they are at home."""
        return replace(self.derivatives, published=("standard",))

    def plan(self, name: str, *parts: Part) -> Plan:
        """A plan on this much data."""
        return Plan(name, parts, self.examples, self.batch)


#: A small one, for tries and tests.
QUICK = Effort(factors=(0.5, 1.0), steps=4, draws=3, probes=1, lanczos=3, widths=2, examples=16, batch=8)


def main_plan(effort: Effort) -> Plan:
    """Every measure on one sample, once more on another where a second opinion is cheap, and on moved weights."""
    one, balls = (1.0,), (effort.worst, effort.average)
    # The loss of normalized logits cannot rise by one half where it is large already.
    normalized = RadiusGrid(
        WorstCase(logits="normalized", steps=effort.steps), tuple(COMPARED), one, unit=effort.worst.rise
    )
    equal = EqualRise(("adaptive", "geodesic"), rise=effort.worst.rise)
    return effort.plan(
        "main",
        Part((effort.worst, effort.average, effort.published, equal, normalized)),
        Part((*(replace(grid, factors=(0.5, 1.0)) for grid in balls), effort.derivatives), samples=(1,)),
        Part(tuple(replace(grid, factors=one) for grid in balls), representative="moved"),
    )


def rescaled_plan(effort: Effort) -> Plan:
    """What :func:`main_plan` measures on its first sample, on other weights of the same functions."""
    return effort.plan("rescaled-pool", Part((effort.worst, effort.average, effort.published), representative="moved"))


def ablation_plan(effort: Effort) -> Plan:
    """Worst case with one thing changed at a time: norm, projection, order of geodesics, metric, rest; and products."""
    return effort.plan(
        "ablation", Part((replace(effort.worst, geometries=tuple(GEOMETRIES), factors=(0.5, 1.0, 2.0)),))
    )


def renyi_plan(effort: Effort) -> Plan:
    """Orders and layers of Rényi sharpness."""
    orders = (0.0, 0.5, 1.0, 1.5, 2.0, math.inf)
    entropies = Entropies(("standard", "geodesic"), orders, probes=effort.probes, steps=effort.lanczos)
    return effort.plan("renyi", Part((entropies,)))


def thin_plan(effort: Effort) -> Plan:
    """Worst case where a gradient takes seconds: three geometries and radii, and one radius on moved weights."""
    worst = replace(effort.worst, geometries=("adaptive", "geodesic", "geodesic mixed"), factors=(0.5, 1.0, 2.0))
    return effort.plan("thin", Part((worst,)), Part((replace(worst, factors=(1.0,)),), representative="moved"))


PLANS: Mapping[str, Callable[[Effort], Plan]] = {
    "main": main_plan,
    "rescaled-pool": rescaled_plan,
    "ablation": ablation_plan,
    "renyi": renyi_plan,
    "thin": thin_plan,
}
