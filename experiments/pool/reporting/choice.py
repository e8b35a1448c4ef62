"""What a choice of order and layer is worth, on models that did not make it."""

from collections.abc import Mapping

from ..frame import Column
from .case import Case, Row, determined
from .family import Family
from .ranking import selection

LAYER = "layer"
"""The setting that says which block of a curvature is meant; the whole model has none."""

CELLS = (
    "nested",
    "nested stderr",
    "setting",
    "best",
    "inflation",
    "best by chance",
    "search p",
    "n",
    "missing",
    "note",
)


def choices(case: Case, target: str) -> list[Row]:
    """Nested selection beside the best of every grid that a measure offers, see :func:`grids`."""
    return [
        {"target": target, "measure": family.name, "chosen": what, "settings": len(candidates)}
        | dict.fromkeys(CELLS)
        | determined(selection, case, target, candidates)
        for family in case.families
        for what, candidates in grids(family).items()
    ]


def grids(family: Family) -> dict[str, Mapping[Column, list[float]]]:
    """What could be chosen of a measure: its order for the whole model, for one layer, and order and layer together.

    Empty for a measure without layers, whose one grid is ranked with all others.
    """
    parts: dict[str, dict[Column, list[float]]] = {}
    for column, values in family.candidates.items():
        parts.setdefault(place(column.settings.get(LAYER)), {})[column] = values
    if len(parts) < 2:
        return {}
    return {f"order, {name}": part for name, part in parts.items()} | {"order and layer": family.candidates}


def place(layer: str | None) -> str:
    """A layer, or the whole model, in words."""
    return "whole model" if layer is None else layer
