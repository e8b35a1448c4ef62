"""Measures of one model, as a table."""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from .whole_file import replacing


@dataclass(frozen=True)
class Row:
    """One measure of one model.

    Args:
        measure: its name.
        geometry: the name of the geometry; empty for what needs none.
        value: the number.
        stderr: its standard error; None where there is none.
        seconds: how long it took; rows that come from one computation share its time.
    """

    measure: str
    geometry: str
    value: float
    stderr: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class MeasureTable:
    """Rows, in the order in which they were measured.

    Example:
        >>> table = MeasureTable((Row("trace", "Euclidean", 2.5, 0.25), Row("loss", "", 1.0)))
        >>> table["trace", "Euclidean"].value
        2.5
        >>> print(table)
        measure  geometry   value  stderr  seconds
        trace    Euclidean    2.5    0.25     0.00
        loss                    1             0.00
    """

    rows: tuple[Row, ...]

    def __getitem__(self, key: tuple[str, str]) -> Row:
        """The row of a measure and a geometry."""
        for row in self.rows:
            if (row.measure, row.geometry) == key:
                return row
        raise KeyError(f"no row {key}; there are {[(row.measure, row.geometry) for row in self.rows]}")

    def ratio(self, other: "MeasureTable") -> dict[tuple[str, str], float]:
        """``value / other value`` for every row: 1 for what is equal in both, NaN where only the divisor is 0.

        Raises:
            KeyError: a row that the other table does not have.
        """
        pairs = {(row.measure, row.geometry): row.value for row in self.rows}
        return {key: quotient(value, other[key].value) for key, value in pairs.items()}

    def to_csv(self, path: str | Path) -> None:
        """Write the table with a line of column names; a missing standard error is an empty cell."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in self.rows)
        with replacing(Path(path)) as draft:
            draft.write_text(text.getvalue(), encoding="utf-8")

    def to_json(self, path: str | Path) -> None:
        """Write the table as a list of objects; what is missing or not finite is null."""
        rows = [
            {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(row).items()}
            for row in self.rows
        ]
        with replacing(Path(path)) as draft:
            draft.write_text(json.dumps(rows, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    def __str__(self) -> str:
        cells = [("measure", "geometry", "value", "stderr", "seconds")]
        for row in self.rows:
            stderr = "" if row.stderr is None else f"{row.stderr:.2g}"
            cells.append((row.measure, row.geometry, f"{row.value:.6g}", stderr, f"{row.seconds:.2f}"))
        return "\n".join(aligned(cells, left=2))


def quotient(a: float, b: float) -> float:
    """``a / b``, with 0/0 = 1: the values are equal."""
    if a == b:
        return 1.0
    return a / b if b else math.nan


def aligned(cells: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Lines of columns two spaces apart, the first ``left`` of them aligned to the left."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
