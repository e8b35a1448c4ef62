"""What a correlation owes to the setting."""

import math
from collections.abc import Sequence
from typing import Any

from measures import correlate, median_rises

from .case import Case, Row, determined
from .family import CHOSEN, chosen


def sensitivity(case: Case, target: str) -> list[Row]:
    """The tau of every measure at every setting, and the median loss rise there, where it has a radius."""
    return [
        {
            "target": target,
            "measure": family.name,
            "setting": chosen(column),
            "radius": column.radius,
            **{name: column.settings.get(name) for name in CHOSEN},
            "median rise": None if column.radius is None else median_rise(values),
            **dict.fromkeys(("tau", "low", "high", "n", "missing", "note")),
            **determined(correlated, case, target, values),
        }
        for family in case.families
        for column, values in family.candidates.items()
    ]


def median_rise(values: Sequence[float]) -> float | None:
    """The median of a measure that is a rise of the loss; None where no model has it."""
    return None if all(map(math.isnan, values)) else median_rises([[value] for value in values])[0]


def correlated(case: Case, target: str, values: Sequence[float]) -> dict[str, Any]:
    """The cells of one setting."""
    found = correlate(values, case.targets[target], **case.bootstrap())
    return {"tau": found.value, "low": found.low, "high": found.high, "n": found.n, "missing": found.missing}
