"""What a document says of a pool, in Markdown: what is looked for first, and where the rest is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...report import markdown_table
from .markdown_tables import TABLES

INTRODUCTION = """\
Written by `python -m experiments report-pool --pool results/pools/{name} --docs`: {models} models, {tried} tried. All
tables, for every target and setting, are on the page `report/report.html` that it writes into the folder of the pool,
and in CSV beside it. Intervals hold {confidence:g} % over whole configurations, from {resamples} resamples; differences
are bold where the interval leaves zero out.

- *Nested*: τ of held-out pairs of models, each ordered by the radius, order or layer, and in the direction, that was
  best without them, ± its standard error.
- *Best*: τ of the best setting on all models; its *inflation* over the nested one.
- *τ*: where no setting was chosen on the target, at the radius where the median loss rises as much as in the other
  geometries, or at the only setting.
- *Partial*: Spearman's ρ with {controls} held fixed. *Ψ*: the granulated coefficient.
- *Retest*: the least τ of the measure with itself on other data. *Change*: its largest relative change at other weights
  of the same function.
- Baselines are in italics.
"""

SHOWN = {
    "main": ("comparisons", "radius", "known", "forest", "ranking", "scatter", "by target"),
    "thin": ("comparisons", "radius", "known", "forest", "ranking", "scatter", "by target", "survival"),
    "rescaled-pool": ("moved", "survival"),
    "ablation": ("comparisons", "forest", "variants"),
    "renyi": ("choices", "orders", "order differences"),
}
"""By plan, the figures and tables that a document shows, in their order; of one name, the figure first."""


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
        yield f"## Plan `{plan}`, {len(judged['models'])} models"
        yield from plan_lines(plan, judged["tables"], document["targets"], figures)
        yield ""


def plan_lines(
    plan: str, tables: Mapping[str, Any], targets: Sequence[str], figures: Mapping[str, str]
) -> Iterator[str]:
    """The figures and tables of one plan; those that take a target by itself are of the first."""
    for kind, picture in zip(SHOWN.get(plan, ()), illustrations(plan, targets[0]), strict=True):
        if picture in figures:
            yield f"\n![{picture}]({figures[picture]})"
        if kind in TABLES:
            heading, source, cells = TABLES[kind]
            if rows := list(cells(tables.get(source, ()), targets)):
                yield f"\n### {heading.format(target=targets[0])}\n"
                yield from markdown_table(rows).splitlines()


def illustrations(plan: str, target: str) -> list[str]:
    """The names of the figures that a plan may have in a document."""
    return [f"{plan} {kind} {target}" for kind in SHOWN.get(plan, ())]
