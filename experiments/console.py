"""Headings and tables on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

CONSOLE = Console(highlight=False)


def heading(text: str) -> None:
    """A line that says what comes next."""
    CONSOLE.print()
    CONSOLE.rule(f"[bold]{text}", align="left")


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """A table whose columns are the keys of the first row: text to the left, numbers to the right."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for key, value in rows[0].items():
        table.add_column(key, justify="right" if is_number(value) else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(cell, row.values()))
    CONSOLE.print(table)


def is_number(value: object) -> bool:
    """Whether a value is shown as a number; truth values are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def cell(value: object) -> str:
    """Five digits are enough to look at; files hold them all."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.5g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
