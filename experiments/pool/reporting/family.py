"""Measures, each with the settings among which its user would have to choose."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..frame import Column, Frame

CHOSEN = ("alpha", "layer")
"""Settings that are chosen together with the radius; others make a measure of its own."""


@dataclass(frozen=True)
class Family:
    """A measure on a geometry.

    Args:
        measure: its name.
        geometry: the name of the geometry; empty for what needs none.
        variant: settings that are not chosen, in words; empty where there is one only.
        candidates: the values of all models at every setting, those measured at the weights as trained.
    """

    measure: str
    geometry: str
    variant: str
    candidates: Mapping[Column, list[float]] = field(hash=False)

    @property
    def name(self) -> str:
        """What the family is called in tables."""
        return ", ".join(part for part in (self.measure, self.geometry, self.variant) if part)

    @property
    def radii(self) -> list[Column]:
        """Its candidates in the order of their radii, where they differ in nothing else; otherwise none."""
        apart = {column.setting for column in self.candidates}
        known = [column for column in self.candidates if column.radius is not None]
        if len(apart) > 1 or len(known) < max(2, len(self.candidates)):
            return []
        return sorted(known, key=lambda column: column.radius or 0.0)

    def rises(self) -> list[list[float]]:
        """For every model the loss rise at each radius."""
        return [list(row) for row in zip(*(self.candidates[column] for column in self.radii), strict=True)]


def chosen(column: Column) -> str:
    """What was chosen among the settings of a measure, in words.

    Example:
        >>> chosen(Column("worst case", "geodesic", 0.5)), chosen(Column("renyi", setting="alpha=2, steps=9"))
        ('radius 0.5', 'alpha 2')
    """
    radius = [] if column.radius is None else [f"radius {column.radius:.4g}"]
    return ", ".join(radius + [f"{name} {column.settings[name]}" for name in CHOSEN if name in column.settings])


def families(frame: Frame) -> list[Family]:
    """The measures of a pool at the weights as trained, on the first of the data samples."""
    first = min((column.sample for column in frame.columns), default=0)
    columns = [c for c in frame.columns if c.representative == "trained" and c.sample == first]
    varying = varying_settings(columns)
    found: dict[tuple[str, str, str], dict[Column, list[float]]] = {}
    for column in columns:
        kept = [f"{name} {value}" for name, value in column.settings.items() if (column.measure, name) in varying]
        key = column.measure, column.geometry, ", ".join(kept)
        found.setdefault(key, {})[column] = frame.columns[column]
    return [Family(*key, candidates) for key, candidates in found.items()]


def varying_settings(columns: Iterable[Column]) -> set[tuple[str, str]]:
    """Which settings of which measures make variants: those that are not chosen and are not always the same."""
    known = list(columns)
    named = {(column.measure, name) for column in known for name in column.settings if name not in CHOSEN}
    values = {
        (measure, name): {column.settings.get(name) for column in known if column.measure == measure}
        for measure, name in named
    }
    return {key for key, found in values.items() if len(found) > 1}
