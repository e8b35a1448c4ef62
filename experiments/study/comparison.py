"""What the runs of a study say: means with intervals, and paired differences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and Student's interval around it, from independent values.

    Raises:
        ValueError: fewer than two values.
    """

    mean: float
    half: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Interval":
        """The interval of some values; not finite where a value is not."""
        if len(values) < 2:
            raise ValueError(f"an interval needs at least two values, got {len(values)}")
        half = stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1) * stats.sem(values)
        return cls(float(np.mean(values)), float(half))

    def __str__(self) -> str:
        return f"{self.mean:.4g} ± {self.half:.2g}"


def rows(results: Sequence[dict[str, Any]], reference: str = "AdamW") -> list[dict[str, Any]]:
    """One row for each start and contender: its test results, and the paired difference to the reference by seed."""
    found = []
    metrics = list(dict.fromkeys(key for result in results for key in result if key.startswith("test ")))
    groups = dict.fromkeys((result["start"], result["contender"]) for result in results)
    for start, contender in groups:
        own = by_seed(results, start, contender)
        other = by_seed(results, start, reference)
        row: dict[str, Any] = {"start": start, "contender": contender, "seeds": len(own)}
        row |= {name: f"{value:g}" for name, value in own[min(own)]["choice"].items()}
        for metric in metrics:
            row[metric] = str(Interval.of([value(result.get(metric)) for result in own.values()]))
        loss = metrics[0]
        differences = [value(own[seed].get(loss)) - value(other[seed].get(loss)) for seed in own if seed in other]
        row[f"{loss} - {reference}"] = str(Interval.of(differences)) if contender != reference else ""
        found.append(row)
    columns = dict.fromkeys(key for row in found for key in row)
    return [{key: row.get(key, "") for key in columns} for row in found]


def by_seed(results: Sequence[dict[str, Any]], start: str, contender: str) -> dict[int, dict[str, Any]]:
    """The results of one contender from one start."""
    return {r["seed"]: r for r in results if (r["start"], r["contender"]) == (start, contender)}


def value(number: float | None) -> float:
    """A number that was written down; null stands for one that was not finite, and a run that raised has none."""
    return math.nan if number is None else number
