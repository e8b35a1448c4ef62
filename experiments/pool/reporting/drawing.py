"""Which figures a report has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from .case import Row
from .figures import forest, radius, scatter, survival
from .order_figures import choices, orders


def drawings(document: Mapping[str, Any]) -> Iterator[tuple[str, Figure]]:
    """The figures of every plan and target, by ``PLAN KIND TARGET``."""
    for plan, judged in document["plans"].items():
        for target in document["targets"]:
            tables = {
                name: [row for row in rows if row.get("target") == target] for name, rows in judged["tables"].items()
            }
            for kind, figure in of_target(target, tables, judged, document):
                yield f"{plan} {kind} {target}", figure


def of_target(
    target: str, tables: Mapping[str, Sequence[Row]], judged: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[tuple[str, Figure]]:
    """The figures of one plan and target, by their kind."""
    if rows := tables.get("ranking"):
        yield "forest", forest(rows)
        if shown := scatters(rows, judged["points"]):
            facts = {model["model"]: model for model in document["models"]}
            colour = coloured(rows, document["hyperparameters"])
            goal, levels = ([facts[model][name] for model in judged["models"]] for name in (target, colour))
            yield "scatter", scatter(target, goal, shown, colour, levels)
        if (figure := radius(tables["sensitivity"], judged["panels"])) is not None:
            yield "radius", figure
        if (figure := orders(tables["sensitivity"], judged["panels"])) is not None:
            yield "orders", figure
        if chosen := tables.get("choices"):
            yield "choices", choices(chosen)
    if left := strongest(tables["survival"]):
        yield "survival", survival(left)


def strongest(rows: Sequence[Row]) -> list[Row]:
    """Of every measure the setting with the largest tau before models are moved."""
    best: dict[str, Row] = {}
    for row in sorted((r for r in rows if r["before"] is not None), key=lambda r: -abs(r["before"])):
        best.setdefault(row["measure"], row)
    return list(best.values())


def scatters(rows: Sequence[Row], points: Sequence[Row]) -> list[dict[str, Any]]:
    """The panels of the scatters: measures that have points and a tau, as ranked."""
    known = {point["measure"]: point for point in points}
    return [{**row, **known[row["measure"]]} for row in rows if row["measure"] in known and row["tau"] is not None]


def coloured(rows: Sequence[Row], hyperparameters: Sequence[str]) -> str:
    """The hyperparameter that colours tell: the one ranked first, or the first."""
    return next((row["measure"] for row in rows if row["measure"] in hyperparameters), hyperparameters[0])
