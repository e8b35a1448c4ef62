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
    resolved: bool = True

    @classmethod
    def of(cls, row: Mapping[str, Any], ratio: float) -> "Movement":
        """The movement of a row that says what was measured, and whether it moved."""
        return cls(row["measure"], row["geometry"], ratio, row["invariant"], row["resolved"])

    def __str__(self) -> str:
        return f"{self.measure} ({self.geometry})" if self.geometry else self.measure


def is_invariant(ratio: float) -> bool:
    """Whether a ratio of 1 was meant."""
    return abs(ratio - 1.0) <= INVARIANT


def from_one(ratio: float) -> float:
    """How far a ratio is from 1, up or down alike; a change of sign, or a missing number, is farthest."""
    return abs(math.log(ratio)) if ratio > 0 else math.inf


def verdict(movements: Iterable[Movement]) -> str:
    """What did not move, by geometry; what did, farthest first; and what draws did not resolve.

    Example:
        >>> print(verdict([Movement("trace", "standard", 120.0, False), Movement("trace", "geodesic", 1.0, True)]))
        Invariant (relative change below 1e-06):
          geodesic: trace
        Moved, by the factor:
                   120  trace (standard)
    """
    movements = list(movements)
    still = [m for m in movements if m.invariant]
    moved = sorted((m for m in movements if not m.invariant and m.resolved), key=lambda m: -from_one(m.ratio))
    noise = [str(m) for m in movements if not m.invariant and not m.resolved]
    lines = [f"Invariant (relative change below {INVARIANT:.0e}):"] if still else ["Nothing was invariant."]
    for geometry, group in groupby(still, key=lambda m: m.geometry):
        lines.append(f"  {geometry or 'no geometry'}: {', '.join(m.measure for m in group)}")
    lines += ["Moved, by the factor:"] if moved else ["Nothing moved."]
    lines += [f"  {m.ratio:>12.4g}  {m}" for m in moved]
    lines += [f"Not told from zero at theta by these draws, so without a factor: {', '.join(noise)}"] if noise else []
    return "\n".join(lines)
