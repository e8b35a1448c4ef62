"""The document of a report as one page that needs nothing else."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .case import Row

MISSING = "\u2013"

TARGETED = {
    "comparisons": "Geometry against geometry, where no setting was chosen on the target",
    "ranking": "Measures and baselines",
    "known": "Against the strongest of what is known without measuring",
    "choices": "What a choice of order and layer is worth on models that did not make it",
    "orders": "Geometry against geometry, at the same order and layer",
    "moved": "Geometry against geometry, when every model is moved to other weights of its function",
    "survival": "What is left when every model is moved to other weights of its function",
    "sensitivity": "At every setting",
    "findings": "Every statistic, where no setting was chosen on the target",
}
"""Tables for each target, by their names in the document, with their headings."""

UNTARGETED = {
    "reliability": "Reliability: the share of the variance that lies between models (intraclass correlation), and tau "
    "of a measure with itself, on samples of data that have no example in common",
    "invariance": "Invariance: relative changes at other weights of the same functions, as measured",
}
"""The other tables."""

OPEN_ROWS = 80
"""A longer table is folded until it is asked for."""


def page(document: Mapping[str, Any], figures: Mapping[str, bytes], *, title: str) -> str:
    """The page, with its figures inside; sorted by a few lines of script, nothing is loaded.

    Args:
        document: see :func:`experiments.pool.reporting.document.report`.
        figures: SVG files by ``PLAN KIND TARGET``.
        title: of the page.
    """
    environment = Environment(
        loader=PackageLoader("experiments.pool.reporting", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"shown": shown, "filled": filled}
    inside = {name: b64encode(picture).decode() for name, picture in figures.items()}
    return environment.get_template("page.html").render(
        document=document,
        figures=inside,
        title=title,
        missing=MISSING,
        targeted=TARGETED,
        untargeted=UNTARGETED,
        open_rows=OPEN_ROWS,
    )


def filled(rows: Sequence[Row]) -> list[str]:
    """The columns of a table that say something of some row.

    Example:
        >>> filled([{"measure": "trace", "radius": None, "tau": 0.5}, {"measure": "loss", "radius": None, "tau": None}])
        ['measure', 'tau']
    """
    return [key for key in rows[0] if key != "baseline" and any(row[key] is not None for row in rows)]


def shown(value: float | int) -> str:
    """Three digits are enough to look at; cells keep them all.

    Example:
        >>> shown(0.123456), shown(12), shown(3.2e-11)
        ('0.123', '12', '3.2e-11')
    """
    return f"{value:.3g}" if isinstance(value, float) else str(value)
