"""The accuracy of geodesics against what they cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from time import process_time

import torch

from quotient import (
    AbstractChart,
    AbstractGeodesic,
    AbstractMetric,
    Coordinates,
    Exact,
    Invariant,
    Mixed,
    RungeKutta,
    Taylor,
    length,
    scaled,
)
from symmetries import Params

from .pairs import Pairs

#: Small heads, so that the integration is done soon; errors do not depend on their size.
PAIRS = Pairs(depth=1, width=48, heads=4, head=16)

ACCURACY: dict[str, tuple[AbstractMetric, AbstractGeodesic]] = {
    **{f"invariant, {method}": (Invariant(), method) for method in map(Taylor, range(1, 5))},
    "invariant, Exact()": (Invariant(), Exact()),
    **{f"invariant, {method}": (Invariant(), method) for method in map(RungeKutta, (1, 4, 16))},
    **{f"mixed, {method}": (Mixed(), method) for method in map(Taylor, range(1, 5))},
    **{f"mixed, {method}": (Mixed(), method) for method in map(RungeKutta, (1, 4, 16))},
}
"""Ways to follow a geodesic, by name."""

#: Its error is below 1e-13 at lengths below 0.3: it is of order four, and 16 steps leave 1e-10.
REFERENCE = RungeKutta(128)


@dataclass(frozen=True)
class AccuracyRow:
    """One way to follow geodesics.

    Args:
        method: a name in ``ACCURACY``.
        errors: for every length the distance from the integrated end, relative to the distance gone.
        seconds: of the processor, for exp and its transpose.
    """

    method: str
    errors: Sequence[float]
    seconds: float


def accuracy(lengths: Sequence[float], *, repeats: int, seed: int) -> list[AccuracyRow]:
    """A row for every method, in double precision, along one random direction of each metric.

    Args:
        lengths: of the geodesics; in the mixed metric multiples of the length of the parameters themselves.
        repeats: of the timing.
        seed: of parameters and directions.
    """
    rows = []
    for metric in (Invariant(), Mixed()):
        reference = chart(metric, REFERENCE, seed)
        direction = reference.random(torch.Generator().manual_seed(seed + 1))
        unit = scaled(direction, size_of(reference) / length(direction))
        points = [scaled(unit, each) for each in lengths]
        ends = [reference.exp(x) for x in points]
        for name, (own, method) in ACCURACY.items():
            if own == metric:
                here = chart(metric, method, seed)
                errors = [error(here.exp(x), end, here.point) for x, end in zip(points, ends, strict=True)]
                rows.append(AccuracyRow(name, errors, median(seconds(here, points[-1]) for _ in range(repeats))))
    return rows


def chart(metric: AbstractMetric, method: AbstractGeodesic, seed: int) -> AbstractChart:
    """Normal coordinates at random heads."""
    return PAIRS.chart(torch.Generator().manual_seed(seed), metric, method, dtype=torch.float64)


def size_of(here: AbstractChart) -> float:
    """The length of the parameters as a tangent, over that in the invariant metric: the unit that lengths are in."""
    whole = float(length(here.coordinates(here.point)))
    return whole / math.sqrt(2 * PAIRS.copies * PAIRS.head)


def error(end: Params, true: Params, start: Params) -> float:
    """Relative to the distance gone."""
    apart, gone = (length([a[name] - b[name] for name in start]) for a, b in ((end, true), (true, start)))
    return float(apart / gone)


def seconds(here: AbstractChart, x: Coordinates) -> float:
    """Of the processor."""
    start = process_time()
    here.linearized(x)[1](here.point)
    return process_time() - start
