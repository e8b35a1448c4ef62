"""The tables of a report as a document in Markdown has them: few columns, few digits, targets beside each other."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from .case import Row
from .choice import place
from .drawing import strongest
from .page import shown

RIVALS = "worst case"
"""The statistic whose geometries are compared in a document."""

Cells = Iterator[dict[str, str]]


def ranking(rows: Sequence[Row], targets: Sequence[str]) -> Cells:
    """Measures and baselines of the first target."""
    kept = [row for row in rows if row["target"] == targets[0]]
    partly = len({row["n"] for row in kept if row["n"] is not None}) > 1
    for row in kept:
        cells = {
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
        }
        yield cells | ({"models": str(row["n"] or "")} if partly else {})


def variants(rows: Sequence[Row], targets: Sequence[str]) -> Cells:
    """The same without the baselines."""
    return ranking([row for row in rows if not row["baseline"]], targets)


def by_target(rows: Sequence[Row], targets: Sequence[str]) -> Cells:
    """The nested coefficients of the rivals and of the baselines, a column for each target."""
    kept = [row for row in rows if row["baseline"] or rival(row["measure"])]
    for name in dict.fromkeys(map(named, kept)):
        cells = {row["target"]: give_or_take(row["nested"], row["nested stderr"]) for row in kept if named(row) == name}
        yield {"measure": name} | {target: cells.get(target, "") for target in targets}


def comparisons(rows: Sequence[Row], targets: Sequence[str]) -> Cells:
    """Differences of the strengths of the rivals, a column for each target."""
    kept = [row for row in rows if rival(row["first"])]
    for first, second in dict.fromkeys((row["first"], row["second"]) for row in kept):
        cells = {row["target"]: difference(row) for row in kept if (row["first"], row["second"]) == (first, second)}
        pair = {"first": rival(first) or first, "second": rival(second) or second}
        yield pair | {target: cells.get(target, "") for target in targets}


def known(rows: Sequence[Row], targets: Sequence[str]) -> Cells:
    """Differences from the strongest of what is known, a column for each target, which it is in its heading."""
    kept = [row for row in rows if rival(row["first"])]
    best = {row["target"]: row["second"] for row in kept}
    for first in dict.fromkeys(row["first"] for row in kept):
        cells = {row["target"]: difference(row) for row in kept if row["first"] == first}
        yield {"geometry": rival(first) or first} | {f"{t}: {best[t]}": cells.get(t, "") for t in targets if t in best}


def survival(rows: Sequence[Row], targets: Sequence[str]) -> Cells:
    """What is left of the first target at the strongest setting of every measure."""
    for row in strongest([row for row in rows if row["target"] == targets[0]]):
        yield {
            "measure": row["measure"],
            "setting": row["setting"],
            "before": digits(row["before"]),
            "after": digits(row["after"]),
            "difference": resolved(row["after - before"], row["low"], row["high"]),
        }


def choices(rows: Sequence[Row], targets: Sequence[str]) -> Cells:
    """What choices of order and layer are worth for the first target."""
    for row in rows:
        if row["target"] == targets[0]:
            yield {
                "measure": row["measure"],
                "chosen": row["chosen"],
                "settings": str(row["settings"]),
                "nested": give_or_take(row["nested"], row["nested stderr"]),
                "best": number(row["best"]) + (f" ({row['setting']})" if row["setting"] else ""),
                "inflation": number(row["inflation"]),
                "best by chance": number(row["best by chance"]),
            }


def orders(rows: Sequence[Row], targets: Sequence[str]) -> Cells:
    """The tau of the first target at every order, a row for the whole model and each layer in every geometry."""
    kept = [row for row in rows if row["target"] == targets[0] and row["alpha"] is not None]
    return by_order(kept, ("measure",), lambda row: between(row["tau"], row["low"], row["high"]))


def order_differences(rows: Sequence[Row], targets: Sequence[str]) -> Cells:
    """Differences of geometries at the same order, likewise."""
    return by_order([row for row in rows if row["target"] == targets[0]], ("first", "second"), difference)


def by_order(rows: Sequence[Row], names: Sequence[str], cell: Callable[[Row], str]) -> Cells:
    """A row for every name and layer, a column for every order."""
    alphas = sorted({row["alpha"] for row in rows}, key=float)
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        line = (*(row[name] for name in names), place(row["layer"]))
        lines.setdefault(line, dict.fromkeys(alphas, ""))[row["alpha"]] = cell(row)
    for line, cells in lines.items():
        yield dict(zip((*names, "of"), line, strict=True)) | {f"α = {alpha}": text for alpha, text in cells.items()}


TABLES: Mapping[str, tuple[str, str, Callable[[Sequence[Row], Sequence[str]], Cells]]] = {
    "ranking": ("Measures and baselines, {target}", "ranking", ranking),
    "variants": ("Variants, {target}", "ranking", variants),
    "by target": ("Nested choice, by target", "ranking", by_target),
    "comparisons": ("Geometry against geometry: differences of ∣τ∣, worst case", "comparisons", comparisons),
    "moved": ("Geometry against geometry on moved models: differences of ∣τ∣, worst case", "moved", comparisons),
    "known": ("Worst case against the strongest of what is known without measuring", "known", known),
    "choices": ("What a choice of order and layer is worth, {target}", "choices", choices),
    "orders": ("τ at every order, {target}", "sensitivity", orders),
    "order differences": ("Geometry against geometry at the same order, {target}", "orders", order_differences),
    "survival": ("{target}, when every model is moved to other weights of its function", "survival", survival),
}
"""By name, the heading of a table, the table of the report that it is made of, and how."""


def rival(measure: str) -> str:
    """The geometry of one of the rivals; empty for other measures, and for variants of the rivals.

    Example:
        >>> rival("worst case, geodesic mixed"), rival("worst case, adaptive, logits normalized"), rival("trace")
        ('geodesic mixed', '', '')
    """
    statistic, _, geometry = measure.partition(", ")
    return geometry if statistic == RIVALS and ", " not in geometry else ""


def named(row: Row) -> str:
    """The name of a measure, of a baseline in italics."""
    return f"*{row['measure']}*" if row["baseline"] else str(row["measure"])


def difference(row: Row) -> str:
    """The difference that a comparison has found."""
    return resolved(row["difference"], row["low"], row["high"])


def number(value: float | None) -> str:
    """Two digits behind the point: intervals are wider."""
    return "" if value is None else f"{value:z.2f}"


def digits(value: float | None) -> str:
    """Four digits behind the point, where agreement is to be seen."""
    return "" if value is None else f"{value:z.4f}"


def between(value: float | None, low: float | None, high: float | None) -> str:
    """A number with its interval."""
    if value is None or low is None or high is None:
        return number(value)
    return f"{value:z.2f} [{low:z.2f}, {high:z.2f}]"


def resolved(value: float | None, low: float | None, high: float | None) -> str:
    """A difference with its interval, in bold where the interval leaves zero out."""
    apart = low is not None and high is not None and not low <= 0 <= high
    return f"**{between(value, low, high)}**" if apart else between(value, low, high)


def give_or_take(value: float | None, stderr: float | None) -> str:
    """A number with its standard error."""
    return number(value) + ("" if stderr is None else f" ± {stderr:.2f}")
