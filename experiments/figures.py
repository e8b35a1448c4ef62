"""Figures of the experiments, drawn from their JSON documents alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from measures import replacing

INVARIANT, MOVED = "#0b6fb8", "#c8553d"
REPRESENTATIVES = {"theta": ("$\\theta$", "-", 3.0), "g.theta": ("$g\\theta$", "--", 1.4)}
MARKERS = "osD^vPX"
NOTE = {"xycoords": "axes fraction", "fontsize": 7, "color": "0.3"}
FLOOR = 1e-17  # stands for an exact zero on a logarithmic axis


def save(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all."""
    with replacing(path) as draft:
        figure.savefig(draft, dpi=150)


def orbit(document: Mapping[str, Any], path: Path) -> None:
    """Every measure along an orbit, relative to its value at the start, and how far the function moved.

    What draws do not resolve at the start gives no scale to be relative to, and is named in place of drawn.
    """
    panels: dict[str, list[Mapping[str, Any]]] = {}
    for curve in document["curves"]:
        if curve["geometry"]:
            panels.setdefault(curve["geometry"], []).append(curve)
    figure = Figure(figsize=(2.9 * len(panels), 4.6), layout="constrained")
    axes = figure.subplots(2, len(panels), sharex=True, sharey="row", squeeze=False, height_ratios=(4, 1))
    lines: dict[str, Line2D] = {}
    for above, below, (geometry, curves) in zip(*axes, panels.items(), strict=True):
        for place, curve in enumerate(curves):
            seen = curve["resolved"] or curve["invariant"]
            style = {"color": f"C{place}", "marker": MARKERS[place % len(MARKERS)], "ms": 4, "lw": 1.2}
            values = curve["ratios"] if seen else [None] * len(document["sizes"])
            (lines[curve["measure"]],) = above.plot(document["sizes"], values, **style)
        unseen = [curve["measure"] for curve in curves if not (curve["resolved"] or curve["invariant"])]
        above.annotate("\n".join(f"{name}: not resolved" for name in unseen), (0.05, 0.02), **NOTE)
        still = all(curve["invariant"] for curve in curves)
        above.set_title(f"{geometry}: {'invariant' if still else 'moves'}", color=INVARIANT if still else MOVED)
        below.plot(document["sizes"], [max(defect, FLOOR) for defect in document["defects"]], ".-", color="0.4")
        below.set_xlabel("size $a$ of $g$")
    axes[0, 0].set(xscale="log", yscale="log", ylabel="measure at $g\\theta$ / at $\\theta$")
    axes[1, 0].set(yscale="log", ylim=(FLOOR, 1.0), ylabel="change of\nthe function")
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=7, fontsize=8)
    save(figure, path)


def ratios(document: Mapping[str, Any], path: Path) -> None:
    """One line for each measure: from 1 to its factor between two representatives of one function.

    Measures that draws do not resolve at theta, and those that change their sign, have none.
    """
    rows = document["invariance"]
    figure = Figure(figsize=(7.0, 0.22 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        if row["ratio"] is not None and row["ratio"] > 0 and (row["resolved"] or row["invariant"]):
            colour = INVARIANT if row["invariant"] else MOVED
            axes.plot([1.0, row["ratio"]], [place, place], color=colour, lw=3, solid_capstyle="round")
            axes.plot(row["ratio"], place, "o", color=colour)
    axes.axvline(1.0, color="0.3", lw=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [f"{row['measure']} {row['geometry']}" for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("measure at $g\\theta$ / measure at $\\theta$, the same function")
    axes.set_title("Blue does not move along the orbit, red does")
    save(figure, path)


def geodesics(document: Mapping[str, Any], path: Path) -> None:
    """The loss along the geodesic in the direction of the gradient, from two representatives, by geometry."""
    panels = document["geodesics"]
    figure = Figure(figsize=(3.0 * len(panels), 3.2), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for name, (label, style, width) in REPRESENTATIVES.items():
            axes.semilogy(panel["distances"], panel[name], style, lw=width, label=f"from {label}")
        axes.set_title(panel["geometry"], fontsize=10)
        axes.set_xlabel("distance along the gradient")
        axes.legend(fontsize=8)
    figure.axes[0].set_ylabel("loss")
    save(figure, path)


def density(document: Mapping[str, Any], path: Path) -> None:
    """The spectral density of the Hessian at two representatives, by geometry."""
    panels = document["density"]
    figure = Figure(figsize=(4.2 * len(panels), 3.2), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for name, (label, style, width) in REPRESENTATIVES.items():
            axes.plot(panel[name]["grid"], panel[name]["density"], style, lw=width, label=f"at {label}")
        top, peaks = max(panel["theta"]["grid"]), [max(panel[name]["density"]) for name in REPRESENTATIVES]
        axes.set_xscale("symlog", linthresh=top, linscale=2.0)
        axes.xaxis.get_major_locator().set_params(numticks=7)
        axes.set_yscale("log")
        axes.set_ylim(2e-6 * min(peaks), 2.0 * max(peaks))
        axes.set_title(panel["geometry"], fontsize=10)
        axes.set_xlabel("eigenvalue")
        axes.legend(fontsize=8)
    figure.axes[0].set_ylabel("density")
    save(figure, path)
