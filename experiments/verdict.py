"""Which measures moved along an orbit, in words."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

INVARIANT = 1e-6
"""A relative change below this is rounding, amplified by the condition number of the group element."""


@dataclass(frozen=True)
class Movement:
    """By what factor a measure differs between two representatives of one function."""

    measure: str
    geometry: str
    ratio: float
    invariant: bool

    @classmethod
    def of(cls, row: Mapping[str, Any], ratio: float, invariant: bool) -> "Movement":
        """The movement of a row that names a measure and a geometry."""
        return cls(row["measure"], row["geometry"], ratio, invariant)


def is_invariant(ratio: float) -> bool:
    """Whether a ratio of 1 was meant."""
    return abs(ratio - 1.0) <= INVARIANT


def from_one(ratio: float) -> float:
    """How far a ratio is from 1, up or down alike; a change of sign, or a missing number, is farthest."""
    return abs(math.log(ratio)) if ratio > 0 else math.inf


def verdict(movements: Iterable[Movement]) -> str:
    """Two lists: what did not move, by geometry, and what did, farthest first.

    Example:
        >>> print(verdict([Movement("trace", "standard", 120.0, False), Movement("trace", "geodesic", 1.0, True)]))
        Invariant (relative change below 1e-06):
          geodesic: trace
        Moved, by the factor:
                   120  trace (standard)
    """
    movements = list(movements)
    still = [m for m in movements if m.invariant]
    moved = sorted((m for m in movements if not m.invariant), key=lambda m: -from_one(m.ratio))
    lines = [f"Invariant (relative change below {INVARIANT:.0e}):"] if still else ["Nothing was invariant."]
    for geometry, group in groupby(still, key=lambda m: m.geometry):
        lines.append(f"  {geometry or 'no geometry'}: {', '.join(m.measure for m in group)}")
    lines += ["Moved, by the factor:"] if moved else ["Nothing moved."]
    lines += [f"  {m.ratio:>12.4g}  {m.measure}{f' ({m.geometry})' if m.geometry else ''}" for m in moved]
    return "\n".join(lines)
