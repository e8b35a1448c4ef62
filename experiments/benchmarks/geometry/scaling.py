"""How the time of a geometry grows with depth, width, head size and number of heads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import process_time

import torch

from quotient import length, scaled

from .pairs import Pairs
from .task import RADIUS

AXES: dict[str, tuple[Callable[[int], Pairs], Sequence[int]]] = {
    "depth": (lambda x: Pairs(depth=x), (2, 4, 8, 16)),
    "width": (lambda x: Pairs(width=x), (128, 256, 512, 1024, 2048)),
    "number of heads": (lambda x: Pairs(heads=x), (2, 4, 8, 16)),
    "head size": (lambda x: Pairs(head=x), (16, 32, 64, 128)),
    "head size, one width": (lambda x: Pairs(heads=384 // x, head=x), (16, 32, 64, 128)),
}
"""What is varied, and over what."""


@dataclass(frozen=True)
class Exponent:
    """A power law fitted to seconds.

    Args:
        axis: what is varied.
        sizes: its values.
        seconds: of one exponential map with its transpose and a projection.
        measured: the exponent of the least-squares line in logarithms.
        predicted: that of the number of multiplications over the same sizes.
    """

    axis: str
    sizes: Sequence[int]
    seconds: Sequence[float]
    measured: float
    predicted: float


def exponents(sizes: dict[str, Sequence[int]], *, repeats: int, seed: int) -> list[Exponent]:
    """One for every axis; repeats of all sizes take turns.

    Args:
        sizes: over what every axis in ``AXES`` is varied.
        repeats: after one that is not counted.
        seed: of parameters and velocities.
    """
    found = []
    for axis, chosen in sizes.items():
        made = [AXES[axis][0](size) for size in chosen]
        steps = [step(pairs, seed) for pairs in made]
        rounds = [[timed_step() for timed_step in steps] for _ in range(repeats + 1)][1:]
        seconds = [median(column) for column in zip(*rounds, strict=True)]
        slopes = slope(chosen, seconds), slope(chosen, [pairs.work for pairs in made])
        found.append(Exponent(axis, chosen, seconds, *slopes))
    return found


def step(pairs: Pairs, seed: int) -> Callable[[], float]:
    """The seconds of the processor that the geometry of one ascent step takes."""
    generator = torch.Generator().manual_seed(seed)
    chart = pairs.chart(generator)
    x = chart.random(generator)
    x, covector = scaled(x, RADIUS / length(x)), chart.vector(x)

    def run() -> float:
        start = process_time()
        chart.project(chart.linearized(x)[1](covector))
        return process_time() - start

    return run


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The exponent of the power law through the points.

    Example:
        >>> slope([1, 2, 4], [3, 12, 48])
        2.0
    """
    x, y = (torch.tensor(list(each), dtype=torch.float64).log() for each in (sizes, values))
    return float(torch.cov(torch.stack([x, y]))[0, 1] / x.var())
