"""A pool of models as a table: how they were made, what was measured, what it should predict."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from .sample import Sample, configurations


@dataclass(frozen=True)
class ModelTable:
    """Columns over models; a number that is missing is NaN.

    Example:
        >>> table = ModelTable(
        ...     hyperparameters={"rate": [0.1, 0.1, 0.2, 0.2], "optimizer": ["sgd", "adam", "sgd", "adam"]},
        ...     measures={"trace": [1.0, 2.0, float("nan"), 4.0]},
        ...     targets={"error gap": [0.1, 0.2, 0.3, 0.4]},
        ... )
        >>> len(table), len(table.complete()), list(table.known())
        (4, 3, ['rate'])

    Args:
        hyperparameters: by name; models that share all of them, and differ in their seed, are one configuration.
        measures: what is to be judged, by name.
        targets: what it should predict, by name; see :func:`measures.generalization_targets`.
        covariates: what else is known of each model, such as its training loss, logit norm and parameter norm.

    Raises:
        ValueError: columns of unequal lengths, two of one name, or no hyperparameters.
    """

    hyperparameters: Mapping[str, Sequence[Hashable]]
    measures: Mapping[str, Sequence[float]]
    targets: Mapping[str, Sequence[float]]
    covariates: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = list(self.columns())
        lengths = {name: len(column) for name, column in columns}
        if twice := sorted(name for name, count in Counter(name for name, _ in columns).items() if count > 1):
            raise ValueError(f"every column needs a name of its own, {', '.join(twice)} occurs twice")
        if len(set(lengths.values())) > 1:
            raise ValueError(f"expected one value per model in every column, got {lengths}")
        configurations(self.hyperparameters)

    def columns(self) -> Iterator[tuple[str, Sequence[Hashable]]]:
        """All columns with their names."""
        for columns in (self.hyperparameters, self.measures, self.targets, self.covariates):
            yield from columns.items()

    def __len__(self) -> int:
        return len(self.configurations)

    @property
    def configurations(self) -> list[tuple[Hashable, ...]]:
        """The configuration of every model."""
        return configurations(self.hyperparameters)

    def known(self) -> dict[str, list[float]]:
        """What is known without measuring: hyperparameters that are numbers and vary, and the covariates."""
        varying = {name: column for name, column in self.hyperparameters.items() if len(set(column)) > 1}
        numbers = {name: as_numbers(column) for name, column in (varying | dict(self.covariates)).items()}
        return {name: column for name, column in numbers.items() if column is not None}

    def complete(self) -> "ModelTable":
        """The models of which no number is missing: one list of models for all measures."""
        sample = Sample.of({**self.measures, **self.targets, **self.covariates})
        return ModelTable(
            {name: sample.labels(column) for name, column in self.hyperparameters.items()},
            {name: sample.labels(column) for name, column in self.measures.items()},
            {name: sample.labels(column) for name, column in self.targets.items()},
            {name: sample.labels(column) for name, column in self.covariates.items()},
        )


def as_numbers(column: Sequence[Any]) -> list[float] | None:
    """The values of a column, where all are numbers."""
    return [float(value) for value in column] if all(isinstance(value, Real) for value in column) else None
