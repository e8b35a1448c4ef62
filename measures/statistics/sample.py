"""The models for which every number is known."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from .undefined import UndefinedStatisticError

Label = TypeVar("Label", bound=Hashable)


@dataclass(frozen=True)
class Sample:
    """Columns of numbers over the models that lack none of them.

    Args:
        columns: by name, float64, each of shape ``(n,)``.
        kept: the positions of these models among all.
        total: how many models there were.
    """

    columns: dict[str, Tensor]
    kept: tuple[int, ...]
    total: int

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[float]], **labels: Sequence[Hashable]) -> "Sample":
        """The complete cases of columns of one length; NaN means missing. Labels must have that length too.

        Raises:
            ValueError: columns or labels of unequal lengths, or an infinite value.
        """
        lengths = {name: len(values) for name, values in (*columns.items(), *labels.items())}
        if len(set(lengths.values())) != 1:
            found = ", ".join(f"{count} {name}" for name, count in lengths.items())
            raise ValueError(f"expected one value per model in every column, got {found}")
        tensors = {name: torch.tensor([float(v) for v in c], dtype=torch.float64) for name, c in columns.items()}
        for name, values in tensors.items():
            if bool(values.isinf().any()):
                raise ValueError(f"{name} must be finite, or NaN where a value is missing, got an infinity")
        present = ~torch.stack(list(tensors.values())).isnan().any(dim=0)
        kept = tuple(present.nonzero().flatten().tolist())
        return cls({name: values[present] for name, values in tensors.items()}, kept, len(present))

    @property
    def missing(self) -> int:
        """How many models were left out."""
        return self.total - len(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, name: str) -> Tensor:
        return self.columns[name]

    def labels(self, labels: Sequence[Label]) -> list[Label]:
        """Those of the models kept."""
        return [labels[i] for i in self.kept]

    def require_varying(self, *names: str) -> None:
        """Raise ``UndefinedStatisticError`` for a column that ranks nothing."""
        for name in names:
            values = self[name]
            if not len(values) or bool((values == values[0]).all()):
                constant = f" ({values[0].item()})" if len(values) else ""
                raise UndefinedStatisticError(f"{name} is constant{constant} over {len(self)} models, it ranks nothing")


def configurations(hyperparameters: Mapping[str, Sequence[Hashable]]) -> list[tuple[Hashable, ...]]:
    """The configuration of every model: what models that differ in their seed alone share.

    Example:
        >>> configurations({"learning rate": [0.1, 0.1, 0.2], "depth": [2, 4, 2]})
        [(0.1, 2), (0.1, 4), (0.2, 2)]

    Raises:
        ValueError: no hyperparameters, or columns of unequal lengths.
    """
    if len({len(column) for column in hyperparameters.values()}) != 1:
        found = {name: len(column) for name, column in hyperparameters.items()}
        raise ValueError(f"expected at least one hyperparameter, with one value per model each, got {found}")
    return list(zip(*hyperparameters.values(), strict=True))
