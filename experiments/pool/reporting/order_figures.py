"""Figures of measures that have an order and a layer, drawn from the document of a report alone."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .case import Row
from .choice import place
from .figures import BASELINE, MEASURE, MOVED

COLUMNS = 4
"""Panels beside each other."""


def orders(rows: Sequence[Row], measures: Mapping[str, tuple[str, str]]) -> Figure | None:
    """Tau against the order, a panel for the whole model and each layer, a line for each geometry; None without orders.

    Args:
        rows: of the table of sensitivity, of one target.
        measures: by the name of a family, its panel and its line.
    """
    known = [row for row in rows if row["alpha"] is not None and row["tau"] is not None]
    ticks = sorted({row["alpha"] for row in known}, key=float)
    if len(ticks) < 2:
        return None
    panels: dict[str, list[Row]] = {}
    for row in known:
        panels.setdefault(f"{measures[row['measure']][0]}, {place(row['layer'])}", []).append(row)
    colours = {measures[row["measure"]][1]: f"C{i}" for i, row in enumerate({r["measure"]: r for r in known}.values())}
    height, width = -(-len(panels) // COLUMNS), min(COLUMNS, len(panels))
    figure = Figure(figsize=(2.4 * width + 1.5, 2.1 * height + 0.4), layout="constrained")
    grid = figure.subplots(height, width, sharex=True, sharey=True, squeeze=False).flatten().tolist()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes, (title, part) in zip(grid, panels.items(), strict=False):
        for name in dict.fromkeys(row["measure"] for row in part):
            line = measures[name][1]
            curve(axes, [row for row in part if row["measure"] == name], ticks, line, colours[line])
        axes.axhline(0.0, color="0.3", lw=0.8)
        axes.set_title(title, fontsize=8)
        axes.set(ylim=(-1.05, 1.05))
        axes.set_xticks(range(len(ticks)), [r"$\infty$" if tick == "inf" else tick for tick in ticks], fontsize=7)
        axes.tick_params(labelsize=7)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=7)
    figure.supxlabel(r"order $\alpha$", fontsize=8)
    figure.supylabel(r"$\tau$", fontsize=8)
    return figure


def curve(axes: Axes, rows: Sequence[Row], ticks: Sequence[str], label: str, colour: str) -> None:
    """The tau of one measure at every order, with its intervals."""
    known = sorted(rows, key=lambda row: ticks.index(row["alpha"]))
    places = [ticks.index(row["alpha"]) for row in known]
    middle, low, high = ([row[key] for row in known] for key in ("tau", "low", "high"))
    axes.plot(places, middle, "o-", ms=3, lw=1.2, color=colour, label=label)
    axes.fill_between(places, low, high, color=colour, alpha=0.12, lw=0)


def choices(rows: Sequence[Row]) -> Figure:
    """The best of every grid beside what the choice is worth, and beside the best of the grid by chance."""
    known = [row for row in rows if row["nested"] is not None]
    figure = Figure(figsize=(7.5, 0.24 * len(known) + 1.1), layout="constrained")
    axes = figure.subplots()
    for line, row in enumerate(known):
        ends = [row["nested"] + side * 2 * row["nested stderr"] for side in (-1, 1)]
        axes.plot([row["nested"], abs(row["best"])], [line, line], color=MOVED, lw=0.8, zorder=1)
        axes.plot(ends, [line, line], color=MEASURE, lw=2, alpha=0.35, zorder=1)
        axes.plot(row["nested"], line, "D", ms=4, color=MEASURE, mfc="white")
        axes.plot(abs(row["best"]), line, "x", ms=5, color=MOVED)
        axes.plot(row["best by chance"], line, "|", ms=8, color=BASELINE)
    axes.axvline(0.0, color="0.3", lw=0.8)
    axes.set_yticks(range(len(known)), [f"{row['measure']}: {row['chosen']}" for row in known], fontsize=8)
    axes.set(xlim=(-1.05, 1.05), ylim=(len(known) - 0.4, -0.6))
    axes.set_xlabel(
        r"$\diamond$ $\tau$ of the nested choice $\pm$ 2 standard errors, $\times$ best of the grid, | that by chance",
        fontsize=8,
    )
    axes.grid(axis="x", lw=0.3)
    return figure
