"""The tables of a report that a document shows, in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...benchmark.table import markdown
from .case import Row
from .drawing import strongest
from .page import shown

INTRODUCTION = """\
Written by `python -m experiments report-pool --pool results/pools/{name} --docs`: {models} models, {tried} tried.
Intervals hold {confidence:g} % over whole configurations, from {resamples} resamples. *Nested*: τ of held-out pairs of
models, each ordered by the radius, order or layer, and in the direction, that was best without them, ± its standard
error. *Best*: τ of the best setting on all models, and its *inflation* over the nested one. *τ*: where no setting was
chosen on the target, at the radius where the median loss rises as much as in the other geometries, or at the only
setting. *Partial*: Spearman's ρ with {controls} held fixed. *Retest*: the least τ of the measure with itself on other
data. *Change*: the largest relative change of the measure at other weights of the same function. Baselines are in
italics.
"""

RIVALS = "worst case"
"""The statistic whose geometries are compared in a document."""

SHOWN = {"main": ("forest", "scatter", "radius"), "rescaled-pool": ("survival",), "ablation": ("forest",)}
"""By plan, the figures that a document shows, for the first of the targets."""


def summary(document: Mapping[str, Any], figures: Mapping[str, str], *, name: str) -> Iterator[str]:
    """The lines of the section of a pool.

    Args:
        document: see :func:`experiments.pool.reporting.document.report`.
        figures: files relative to the document, by ``PLAN KIND TARGET``, see :func:`illustrations`.
        name: of the pool.
    """
    models, protocol = document["models"], document["protocol"]
    yield INTRODUCTION.format(
        name=name,
        models=sum(model["failure"] is None for model in models),
        tried=len(models),
        confidence=100 * protocol["confidence"],
        resamples=protocol["resamples"],
        controls=", ".join(protocol["controls"]) or "nothing",
    )
    for plan, judged in document["plans"].items():
        yield f"## {plan}\n\nMeasured: {len(judged['models'])} models."
        yield from plan_lines(plan, judged, document["targets"], figures)
        yield ""


def plan_lines(
    plan: str, judged: Mapping[str, Any], targets: Sequence[str], figures: Mapping[str, str]
) -> Iterator[str]:
    """The figures and tables of one plan; those that take a target by itself are of the first."""
    tables, first = judged["tables"], targets[0]
    for picture in illustrations(plan, first):
        if picture in figures:
            yield f"\n![{picture}]({figures[picture]})"
    if ranked := [row for row in tables.get("ranking", ()) if row["target"] == first]:
        yield f"\n### {first}\n"
        yield from markdown([ranking_cells(row) for row in ranked])
        yield "\n### Nested choice, by target\n"
        yield from markdown(list(by_target(tables["ranking"], targets)))
    rivals = [measure for measure, (panel, _) in judged["panels"].items() if panel == RIVALS]
    if pairs := [row for row in tables.get("comparisons", ()) if row["first"] in rivals]:
        yield f"\n### Geometry against geometry, {RIVALS}\n"
        yield from markdown([comparison_cells(row) for row in pairs])
    if known := [row for row in tables.get("known", ()) if row["first"] in rivals]:
        yield f"\n### {RIVALS[0].upper()}{RIVALS[1:]} against the strongest of what is known without measuring\n"
        yield from markdown([comparison_cells(row) for row in known])
    if left := [row for row in tables["survival"] if row["target"] == first]:
        yield f"\n### {first}, when every model is moved to other weights of its function\n"
        yield from markdown([survival_cells(row) for row in strongest(left)])


def illustrations(plan: str, target: str) -> list[str]:
    """The names of the figures of a plan that a document shows."""
    return [f"{plan} {kind} {target}" for kind in SHOWN.get(plan, ())]


def ranking_cells(row: Row) -> dict[str, str]:
    """What a document shows of a row of the ranking."""
    return {
        "measure": named(row),
        "nested": give_or_take(row["nested"], row["nested stderr"]),
        "best": number(row["best"]) + (f" ({row['setting']})" if row["setting"] else ""),
        "inflation": number(row["inflation"]),
        "τ": between(row["tau"], row["low"], row["high"]),
        "at": row["at"] or "",
        "partial": between(row["partial rho"], row["partial low"], row["partial high"]),
        "Ψ": number(row["psi"]),
        "retest": number(row["retest"]),
        "change": "" if row["change"] is None else shown(row["change"]),
        "models": str(row["n"] or ""),
    }


def by_target(rows: Sequence[Row], targets: Sequence[str]) -> Iterator[dict[str, str]]:
    """The nested coefficients of every measure, a column for each target."""
    for name in dict.fromkeys(named(row) for row in rows):
        cells = {row["target"]: give_or_take(row["nested"], row["nested stderr"]) for row in rows if named(row) == name}
        yield {"measure": name} | {target: cells.get(target, "") for target in targets}


def comparison_cells(row: Row) -> dict[str, str]:
    """What a document shows of a comparison."""
    return {
        "target": row["target"],
        "first": row["first"],
        "second": row["second"],
        "τ of first": number(row["tau of first"]),
        "τ of second": number(row["tau of second"]),
        "difference of ∣τ∣": between(row["difference"], row["low"], row["high"]),
        "stronger": row["stronger"] or "",
    }


def survival_cells(row: Row) -> dict[str, str]:
    """What a document shows of the tau that is left."""
    return {
        "measure": row["measure"],
        "setting": row["setting"],
        "before": digits(row["before"]),
        "after": digits(row["after"]),
        "difference": between(row["after - before"], row["low"], row["high"]),
    }


def named(row: Row) -> str:
    """The name of a measure, of a baseline in italics."""
    return f"*{row['measure']}*" if row["baseline"] else str(row["measure"])


def number(value: float | None) -> str:
    """Two digits behind the point: intervals are wider."""
    return "" if value is None else f"{value:.2f}"


def digits(value: float | None) -> str:
    """Four digits behind the point, where agreement is to be seen."""
    return "" if value is None else f"{value:.4f}"


def between(value: float | None, low: float | None, high: float | None) -> str:
    """A number with its interval."""
    if value is None or low is None or high is None:
        return number(value)
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def give_or_take(value: float | None, stderr: float | None) -> str:
    """A number with its standard error."""
    return number(value) + ("" if stderr is None else f" ± {stderr:.2f}")
