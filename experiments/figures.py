"""Figures of the experiments, drawn from their JSON documents alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as MplPath

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


def symmetry_graph(graph: nx.Graph, title: str, path: Path) -> None:
    """Parameters on the left in the order of the model, groups on the right, next to what they act on.

    One colour for each family; the width of a box says nothing, its text how many of a kind there are.
    """
    left = [node for node, data in graph.nodes(data=True) if data["kind"] == "parameter"]
    height = {node: float(-i) for i, node in enumerate(left)}
    right = [node for node in graph if node not in height]
    right.sort(key=lambda node: -sum(height[other] for other in graph[node]) / len(graph[node]))
    step = max(len(left) - 1, 1) / max(len(right) - 1, 1)
    height |= {node: -step * i for i, node in enumerate(right)}
    families = dict.fromkeys(graph.nodes[node]["label"] for node in right)
    colors = {family: f"C{i % 10}" for i, family in enumerate(families)}
    figure = Figure(figsize=(11.0, 1.2 + 0.27 * max(len(left), len(right))), layout="constrained")
    axes = figure.subplots()
    for node in right:
        color = colors[graph.nodes[node]["label"]]
        for other in graph[node]:
            ends = [(0.0, height[other]), (0.4, height[other]), (0.6, height[node]), (1.0, height[node])]
            curve = MplPath(ends, [MplPath.MOVETO, MplPath.CURVE4, MplPath.CURVE4, MplPath.CURVE4])
            axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=color, lw=1.1, alpha=0.7))
    for node, data in graph.nodes(data=True):
        times = f"  \u00d7 {data['count']}" if data["count"] > 1 else ""
        if data["kind"] == "parameter":
            axes.annotate(f"{data['label']}{times}", (-0.02, height[node]), ha="right", va="center", fontsize=8)
        else:
            holds = "" if data["flags"] == ["exact"] else f"  ({', '.join(data['flags'])})"
            text = f"{data['label']}{times}: {data['dimension']:,}{holds}"
            color = colors[data["label"]]
            axes.annotate(text, (1.02, height[node]), ha="left", va="center", fontsize=8, color=color)
    axes.set(xlim=(-1.0, 2.0), ylim=(min(height.values()) - 1.0, 1.0), title=title)
    axes.set_axis_off()
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


def spectrum(document: Mapping[str, Any], path: Path) -> None:
    """The spectral density, and the leading eigenvalues as marks where its smoothing would hide them."""
    density, leading = document["density"], [row["eigenvalue"] for row in document["eigenvalues"]]
    figure = Figure(figsize=(6.0, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(density["grid"], density["values"], color=INVARIANT, lw=1.5, label="density")
    axes.plot(leading, [max(density["values"])] * len(leading), "|", color=MOVED, ms=14, label="leading eigenvalues")
    axes.set_yscale("log")
    axes.set_ylim(1e-6 * max(density["values"]), 3.0 * max(density["values"]))
    axes.set(xlabel="eigenvalue", ylabel="density", title=f"{document['dimension']:,} dimensions")
    axes.legend(fontsize=8)
    save(figure, path)


def geodesic_accuracy(document: Mapping[str, Any], path: Path) -> None:
    """The error of every way to follow a geodesic against its time, at the largest length, by metric."""
    panels: dict[str, dict[str, list[tuple[float, float, str]]]] = {}
    for row in document["rows"]:
        metric, _, method = row["method"].partition(", ")
        family, _, effort = method.rstrip(")").partition("(")
        point = 1e3 * row["seconds"], max(row["errors"][-1], FLOOR), effort.partition("=")[2]
        panels.setdefault(metric, {}).setdefault(family, []).append(point)
    figure = Figure(figsize=(3.6 * len(panels), 3.2), layout="constrained")
    for axes, (metric, families) in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels.items(), strict=True
    ):
        for place, (family, points) in enumerate(families.items()):
            times, errors, _ = zip(*points, strict=True)
            axes.loglog(times, errors, marker=MARKERS[place], color=f"C{place}", label=family)
            for time, error, effort in points:
                axes.annotate(effort, (time, error), (4, 4), textcoords="offset points", fontsize=7)
        axes.set(title=f"{metric} metric", xlabel="milliseconds")
        axes.legend(fontsize=8)
    figure.axes[0].set_ylabel(f"error at length {document['lengths'][-1]:g}")
    save(figure, path)
