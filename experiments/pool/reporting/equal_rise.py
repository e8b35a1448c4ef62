"""Measures at the radii where they raise the loss alike."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from measures import MatchedRadius, matched_radius, median_rises

from .family import Family


@dataclass(frozen=True)
class EqualRise:
    """The radii at which geometries are compared.

    Args:
        rise: the median loss rise at every one of them.
        matched: the radius of each family and the measure there, by the name of the family.
    """

    rise: float
    matched: dict[str, MatchedRadius]


def equal_rises(families: Iterable[Family]) -> list[EqualRise]:
    """For every statistic, such as the worst case, its geometries at one rise: that of the most of them."""
    groups: dict[tuple[str, str], list[Family]] = {}
    for family in families:
        if reach(family) is not None:
            groups.setdefault((family.measure, family.variant), []).append(family)
    return [equal_rise(group) for group in groups.values()]


def equal_rise(group: Sequence[Family]) -> EqualRise:
    """Families at the rise in the middle, on a logarithmic scale, of what the most of them reach."""
    ranges = {family.name: ends for family in group if (ends := reach(family)) is not None}

    def reached(rise: float) -> list[str]:
        return [name for name, (low, high) in ranges.items() if low <= rise <= high]

    marks = sorted({end for pair in ranges.values() for end in pair})
    rise = max(
        ((math.sqrt(low * high), high / low) for low, high in pairwise(marks)),
        key=lambda part: (len(reached(part[0])), part[1]),
    )[0]
    radii = {f.name: [column.radius or 0.0 for column in f.radii] for f in group}
    return EqualRise(
        rise,
        {f.name: matched_radius(radii[f.name], f.rises(), rise=rise) for f in group if f.name in reached(rise)},
    )


def reach(family: Family) -> tuple[float, float] | None:
    """From where to where the median loss rise of a family goes as its radius grows; None where it does not grow."""
    complete = [row for row in family.rises() if not any(map(math.isnan, row))] if family.radii else []
    if not complete:
        return None
    medians = median_rises(complete)
    positive = [median for median in medians if median > 0]
    low = max(medians[0], min(positive, default=0.0))
    return (low, max(medians)) if 0 < low < max(medians) else None
