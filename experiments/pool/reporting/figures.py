"""Figures of a report, drawn from its document alone."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import groupby
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from .case import Row

MEASURE, BASELINE, MOVED = "#0b6fb8", "0.55", "#c8553d"
PANELS = 8
"""The most measures that one figure of scatters holds."""


def svg(figure: Figure) -> bytes:
    """The figure as a file, the same one for the same figure."""
    text = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "report", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def forest(rows: Sequence[Row]) -> Figure:
    """The tau of every measure and baseline with its interval, and what a choice of the setting is worth, as ranked."""
    figure = Figure(figsize=(7.5, 0.24 * len(rows) + 1.1), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        colour = BASELINE if row["baseline"] else MEASURE
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place - 0.13] * 2, color=colour, lw=2)
        for key, marker, shift in (("tau", "o", -0.13), ("nested", "D", 0.17)):
            if row[key] is not None:
                face = colour if key == "tau" else "white"
                axes.plot(row[key], place + shift, marker, ms=4, color=colour, mfc=face)
        if row["nested stderr"] is not None:
            ends = [row["nested"] + side * 2 * row["nested stderr"] for side in (-1, 1)]
            axes.plot(ends, [place + 0.17] * 2, color=colour, lw=0.6, zorder=1)
    axes.axvline(0.0, color="0.3", lw=0.8)
    axes.set_yticks(range(len(rows)), [row["measure"] for row in rows], fontsize=8)
    axes.set(xlim=(-1.05, 1.05), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xlabel(r"$\bullet$ $\tau$ with interval, $\diamond$ nested choice $\pm$ 2 standard errors", fontsize=8)
    axes.grid(axis="x", lw=0.3)
    return figure


def survival(rows: Sequence[Row]) -> Figure:
    """The tau of every measure before and after its models are moved to other weights of the same functions."""
    figure = Figure(figsize=(7.5, 0.22 * len(rows) + 1.1), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        axes.plot([row["before"], row["after"]], [place, place], "-", color="0.6", lw=1.2, zorder=1)
        axes.plot(row["before"], place, "o", ms=6, color=MEASURE, mfc="white")
        axes.plot(row["after"], place, "o", ms=3, color=MOVED)
    axes.axvline(0.0, color="0.3", lw=0.8)
    axes.set_yticks(range(len(rows)), [", ".join(filter(None, (r["measure"], r["setting"]))) for r in rows], fontsize=8)
    axes.set(xlim=(-1.05, 1.05), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xlabel(r"$\tau$ of the models as trained (open), and moved along their orbits (full)", fontsize=8)
    axes.grid(axis="x", lw=0.3)
    return figure


def scatter(target: str, goal: Sequence[float], shown: Sequence[Row], colour: str, levels: Sequence[Any]) -> Figure:
    """Measures against a target, model by model.

    Args:
        target: its name.
        goal: its value for every model.
        shown: for every panel ``measure``, ``at``, ``values``, ``tau``, ``low`` and ``high``.
        colour: the hyperparameter that colours tell.
        levels: its value for every model.
    """
    panels = shown[:PANELS]
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.4 * lines + 0.3), layout="constrained")
    grid = figure.subplots(lines, columns, sharey=True, squeeze=False).flatten().tolist()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes, panel in zip(grid, panels, strict=False):
        for place, level in enumerate(ordered(levels)):
            chosen = [i for i, other in enumerate(levels) if other == level]
            x, y = ([column[i] for i in chosen] for column in (panel["values"], goal))
            axes.plot(x, y, "o", ms=3, color=f"C{place % 10}", label=f"{level}")
        axes.set_title(f"{panel['measure']}\n{interval(panel)}", fontsize=7)
        axes.tick_params(labelsize=7)
        rescale(axes, panel["values"])
    figure.supylabel(target, fontsize=8)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=colour, loc="outside right upper", fontsize=7, title_fontsize=8)
    return figure


def ordered(levels: Sequence[Any]) -> list[Any]:
    """The values that occur, numbers by size, in one order for all panels."""
    return sorted(set(levels), key=lambda level: (isinstance(level, str), level is None, level or 0))


def interval(row: Row) -> str:
    """A tau with its interval, as text."""
    return rf"$\tau$ = {row['tau']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def rescale(axes: Axes, values: Sequence[float | None]) -> None:
    """A logarithmic axis, where positive values span more than a factor of twenty; few marks on any other."""
    known = [value for value in values if value is not None]
    if known and min(known) > 0 and max(known) > 20 * min(known):
        axes.set_xscale("log")
        few_marks(axes)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))


def few_marks(axes: Axes) -> None:
    """Numbers at 1 and 3 times powers of ten on a logarithmic axis."""
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def radius(rows: Sequence[Row], measures: Mapping[str, tuple[str, str]]) -> Figure | None:
    """Tau against the loss rise, a panel for each statistic and a line for each geometry; None where no radius varies.

    Args:
        rows: of the table of sensitivity, of one target.
        measures: by the name of a family, its panel and its line.
    """
    known = [
        row for row in rows if row["median rise"] is not None and row["tau"] is not None and row["median rise"] > 0
    ]
    lines = {name: sorted(part, key=lambda r: r["radius"]) for name, part in groupby(known, lambda r: r["measure"])}
    lines = {name: part for name, part in lines.items() if len(part) > 1}
    panels = list(dict.fromkeys(measures[name][0] for name in lines))
    if not panels:
        return None
    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
        chosen = [name for name in lines if measures[name][0] == panel]
        for place, name in enumerate(chosen):
            rises, *curves = ([row[key] for row in lines[name]] for key in ("median rise", "tau", "low", "high"))
            axes.plot(rises, curves[0], "o-", ms=3, lw=1.2, color=f"C{place % 10}", label=measures[name][1])
            axes.fill_between(rises, curves[1], curves[2], color=f"C{place % 10}", alpha=0.1, lw=0)
        axes.set(xscale="log", title=panel, xlabel="median rise of the loss", ylim=(-1.05, 1.05))
        few_marks(axes)
        axes.axhline(0.0, color="0.3", lw=0.8)
        axes.legend(fontsize=7)
    figure.axes[0].set_ylabel(r"$\tau$")
    return figure
