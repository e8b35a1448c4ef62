"""What was measured of the models of a pool, as columns over models."""

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from measures import ModelTable

from ..models.zoo import library
from .member import Member
from .pool import Pool

Representative = Literal["trained", "moved"]

FITTED = ("train loss", "train error")
"""Known of every model without measuring, and no question of generalization."""


@dataclass(frozen=True)
class Column:
    """What one column of measurements is of.

    Args:
        measure: its name.
        geometry: the name of the geometry; empty for what needs none.
        radius: of the ball; None for what has none.
        setting: everything else that was chosen, as ``name=value, name=value``.
        sample: the number of the data sample.
        representative: whether of the weights as trained, or of others of the same function.
    """

    measure: str
    geometry: str = ""
    radius: float | None = None
    setting: str = ""
    sample: int = 0
    representative: Representative = "trained"

    @cached_property
    def settings(self) -> dict[str, str]:
        """Everything else that was chosen, by name."""
        return dict(pair.split("=", 1) for pair in self.setting.split(", ") if pair)

    def moved(self) -> "Column":
        """The same of other weights of the same function."""
        return replace(self, representative="moved")


@dataclass(frozen=True)
class Frame:
    """Columns of measurements over models of a pool; NaN is a model that lacks one.

    Example:
        >>> from pathlib import Path
        >>> from experiments.pool import Member
        >>> members = [
        ...     Member(Path(name), {"rate": rate}, 0, {"loss gap": gap, "train loss": 0.1}, {}, 1.0)
        ...     for name, rate, gap in (("a", 0.1, 0.2), ("b", 0.2, 0.4))
        ... ]
        >>> frame = Frame.of(members, [{"model": "b", "measure": "trace", "value": 3.0}])
        >>> frame.columns[Column("trace")], frame.targets, list(frame.covariates)
        ([nan, 3.0], {'loss gap': [0.2, 0.4]}, ['train loss'])

    Args:
        members: the models, in order.
        columns: one value for each of them, by what it is of.
    """

    members: tuple[Member, ...]
    columns: Mapping[Column, list[float]]

    @classmethod
    def of(cls, members: Iterable[Member], rows: Iterable[Mapping[str, Any]]) -> "Frame":
        """The rows of models, sorted into columns; values that are not finite are missing, as are other models."""
        models = tuple(members)
        place = {member.id: i for i, member in enumerate(models)}
        columns: dict[Column, list[float]] = {}
        names = set(Column.__dataclass_fields__)
        for row in rows:
            if row["model"] in place:
                column = Column(**{name: value for name, value in row.items() if name in names})
                values = columns.setdefault(column, [math.nan] * len(models))
                values[place[row["model"]]] = finite(row["value"])
        return cls(models, columns)

    @classmethod
    def read(cls, pool: Pool, *plans: str) -> "Frame":
        """What some plans have measured, of the models that they have; where two measured the same, the last counts.

        Raises:
            FileNotFoundError: a plan that was not measured.
        """
        read = library("pyarrow.parquet").read_table
        tables = [read(pool.folder / "measures" / f"{plan}.parquet") for plan in plans]
        rows = [row for table in tables for row in table.to_pylist()]
        measured = {row["model"] for row in rows}
        return cls.of((member for member in pool.trained if member.id in measured), rows)

    @property
    def hyperparameters(self) -> dict[str, list[Hashable]]:
        """Of every model, by name; None where a model has none of that name."""
        return {name: list(column) for name, column in by_name(m.configuration for m in self.members)}

    @property
    def targets(self) -> dict[str, list[float]]:
        """What measures should predict, by name."""
        found = by_name(m.targets for m in self.members)
        return {name: [*map(finite, column)] for name, column in found if name not in FITTED}

    @property
    def covariates(self) -> dict[str, list[float]]:
        """What is known of every model without measuring, how well it fits its training data included."""
        found = by_name({**m.targets, **m.covariates} for m in self.members)
        return {name: [*map(finite, column)] for name, column in found if name not in self.targets}

    def table(self, measures: Mapping[str, Sequence[float]], *targets: str) -> ModelTable:
        """Measures beside what is known of the models, to be judged on some targets; without any, on all."""
        goals = self.targets
        kept = {name: goals[name] for name in targets or goals}
        return ModelTable(self.hyperparameters, measures, kept, self.covariates)


def by_name(mappings: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """The columns of mappings, by the names that occur in any; None where one lacks a name."""
    rows = list(mappings)
    for name in dict.fromkeys(name for row in rows for name in row):
        yield name, [row.get(name) for row in rows]


def finite(value: float | None) -> float:
    """A number, NaN in place of what is missing or not finite."""
    return value if value is not None and math.isfinite(value) else math.nan
