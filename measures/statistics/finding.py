"""One statistic of one measure and one target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A row of a report on which measure predicts what.

    Args:
        target: what should be predicted.
        measure: by what.
        baseline: whether it is one that sharpness has to beat.
        statistic: which.
        value: its value; None where the models do not determine one, with the reason in the note.
        low: lower end of its interval; None for a statistic without.
        high: upper end.
        p_value: of its test; None for a statistic without.
        n: number of models used; None where there is no value.
        missing: number of models left out.
        note: what belongs beside the number.
    """

    target: str
    measure: str
    baseline: bool
    statistic: str
    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    n: int | None = None
    missing: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Findings:
    """Rows, target by target and measure by measure.

    Example:
        >>> findings = Findings((Finding("error gap", "trace", False, "tau", 0.5, n=20),))
        >>> findings["error gap", "trace", "tau"].value
        0.5
    """

    rows: tuple[Finding, ...]

    def __getitem__(self, key: tuple[str, str, str]) -> Finding:
        """The row of a target, a measure and a statistic."""
        for row in self.rows:
            if (row.target, row.measure, row.statistic) == key:
                return row
        raise KeyError(f"no row {key}; there are {[(r.target, r.measure, r.statistic) for r in self.rows]}")

    def ranking(self, target: str, statistic: str = "tau") -> Sequence[Finding]:
        """The measures of a target, baselines among them, by the size of a statistic; those without it last.

        Raises:
            KeyError: a target or statistic without rows.
        """
        rows = [row for row in self.rows if (row.target, row.statistic) == (target, statistic)]
        if not rows:
            raise KeyError(f"no row of target {target!r} and statistic {statistic!r}")
        return sorted(rows, key=lambda row: -1.0 if row.value is None else abs(row.value), reverse=True)

    def records(self) -> list[dict[str, Any]]:
        """The rows as mappings of one set of keys, for a file or a page."""
        return [dict(vars(row)) for row in self.rows]
