"""The figure of the pool, drawn from its JSON document alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ..figures import INVARIANT, MOVED, save

#: What is shown against the gap.
PANELS = (
    ("adaptive", "search"),
    ("invariant", "search"),
    ("mixed", "closed form"),
    ("mixed", "published formula"),
)


def draw(document: Mapping[str, Any], path: Path) -> None:
    """Four measures against the gap, coloured by the initial scale; below, the tau of each with its interval."""
    radius, table = document["config"]["radius"], document["measures"]
    figure = Figure(figsize=(11.0, 7.4), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.25), squeeze=False)[:, 0]
    rows = {(row["measure"], row["by"]): row for row in table if row["radius"] == radius}
    for place, (axes, key) in enumerate(zip(above.subplots(1, len(PANELS), sharey=True), PANELS, strict=True)):
        values = document["values"][" / ".join((*key, f"{radius:g}"))]
        points = axes.scatter(values, document["gaps"], c=document["scales"], norm="log", cmap="viridis", s=14)
        axes.set(title=f"{key[0]}, {key[1]}", xlabel=f"$\\tau$ = {rows[key]['tau']:.2f}")
        axes.ticklabel_format(axis="x", style="sci", scilimits=(-2, 3))
        if not place:
            axes.set_ylabel("generalization gap")
    above.colorbar(points, ax=above.axes, label="scale of the initial values")
    _forest(below.subplots(), [*rows.values(), *document["baselines"]])
    save(figure, path)


def _forest(axes: Any, rows: list[Mapping[str, Any]]) -> None:
    """The tau of every row with its interval, and a cross where it was published."""
    for place, row in enumerate(rows):
        colour = "0.5" if row["by"] == "baseline" else INVARIANT
        axes.plot([row["low"], row["high"]], [place, place], color=colour, lw=2)
        axes.plot(row["tau"], place, "o", color=colour, ms=5)
        if row.get("published") is not None:
            axes.plot(row["published"], place, "x", color=MOVED, ms=7, mew=2)
    axes.axvline(0.0, color="0.7", lw=0.8)
    axes.set_yticks(range(len(rows)), [f"{row['measure']}: {row['by']}" for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("Kendall's $\\tau$ with the gap, 95 % over networks; crosses: as published, without error bars")
