"""Which figures a report has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from .figures import forest, radius, scatter


def drawings(document: Mapping[str, Any]) -> Iterator[tuple[str, Figure]]:
    """The figures of every plan and target, by ``PLAN KIND TARGET``."""
    for plan, judged in document["plans"].items():
        for target in document["targets"]:
            rows = [row for row in judged["tables"]["ranking"] if row["target"] == target]
            yield f"{plan} forest {target}", forest(rows)
            if shown := scatters(rows, judged["points"]):
                colour, levels = coloured(rows, document["configurations"])
                goal = [model.get(target) for model in document["models"] if model["failure"] is None]
                yield f"{plan} scatter {target}", scatter(target, goal, shown, colour, levels)
            lines = [row for row in judged["tables"]["sensitivity"] if row["target"] == target]
            if (figure := radius(lines, judged["panels"])) is not None:
                yield f"{plan} radius {target}", figure


def scatters(rows: Sequence[Mapping[str, Any]], points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The panels of the scatters: measures that have points and a tau, as ranked."""
    known = {point["measure"]: point for point in points}
    return [{**row, **known[row["measure"]]} for row in rows if row["measure"] in known and row["tau"] is not None]


def coloured(
    rows: Sequence[Mapping[str, Any]], configurations: Mapping[str, Sequence[Any]]
) -> tuple[str, Sequence[Any]]:
    """The hyperparameter that colours tell: the one ranked first, or the first."""
    names = [row["measure"] for row in rows if row["measure"] in configurations]
    name = names[0] if names else next(iter(configurations))
    return name, configurations[name]
