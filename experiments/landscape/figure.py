"""The figure of the landscapes, drawn from its JSON document alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..figures import INVARIANT, MOVED, REPRESENTATIVES, save

#: Contours between the least and the largest loss of a row of pictures.
LEVELS = 25

#: Losses above this many times that of guessing are drawn in one colour.
CEILING = 4.0


def draw(document: Mapping[str, Any], path: Path) -> None:
    """A row for every kind of section: at both representatives, and both along the first axis."""
    rows = document["sections"]
    figure = Figure(figsize=(10.5, 3.0 * len(rows)), layout="constrained")
    for row, (left, right, lines) in zip(rows, figure.subplots(len(rows), 3, squeeze=False), strict=True):
        levels = _levels(row, CEILING * document["guessing"])
        for axes, name in ((left, "theta"), (right, "g.theta")):
            filled = _surface(axes, row[name], levels)
            axes.set_title(f"{row['section']}, at {REPRESENTATIVES[name][0]}", fontsize=9)
        figure.colorbar(filled, ax=right, label="loss", format="%.2g")
        for name, (label, style, width) in REPRESENTATIVES.items():
            lines.semilogy(_along(row[name]), row[name]["line"], style, lw=width, label=f"at {label}")
        lines.legend(fontsize=8)
        colour = INVARIANT if row["change"] < document["bound"] else MOVED
        lines.set_title(f"first axis; losses change by {row['change']:.0e}", fontsize=9, color=colour)
    save(figure, path)


def _levels(row: Mapping[str, Any], ceiling: float) -> np.ndarray:
    values = np.concatenate([np.asarray(row[name]["values"], dtype=float).ravel() for name in REPRESENTATIVES])
    values = values[np.isfinite(values)]
    return np.geomspace(values.min(), max(min(values.max(), ceiling), 1.01 * values.min()), LEVELS)


def _along(picture: Mapping[str, Any]) -> np.ndarray:
    """The first axis: lengths around one model; between models, 0 at the first and 1 at the second."""
    marks = picture["marks"]
    return np.asarray(picture["a"]) / (marks[1][0] if len(marks) > 1 else 1.0)


def _surface(axes: Axes, picture: Mapping[str, Any], levels: np.ndarray) -> Any:
    """Contours of the loss, and the models."""
    values = np.nan_to_num(np.asarray(picture["values"], dtype=float), nan=levels[-1], posinf=levels[-1])
    clipped = np.clip(values, levels[0], levels[-1])
    filled = axes.contourf(picture["a"], picture["b"], clipped, levels, norm="log", cmap="viridis")
    axes.plot(*zip(*picture["marks"], strict=True), "w*", mec="k", ms=10)
    axes.set_aspect("equal")
    return filled
