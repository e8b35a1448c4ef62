"""Zero means of the columns of a parameter: the tangents of the sections of absorptions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from symmetries import Shapes, View

from .flat import reciprocal
from .pins import column_labels


@dataclass(frozen=True)
class Columns:
    """Disjoint columns of one parameter, numbered through several views of it.

    Attributes:
        views: the views whose columns they are.
        labels: for every entry of the parameter the number of its column, or -1.
        count: the number of columns.
    """

    views: tuple[View, ...]
    labels: Tensor
    count: int

    @classmethod
    def of(cls, view: View, shapes: Shapes) -> "Columns":
        """Those of one view."""
        copies, _, h = view.shape(shapes)
        return cls((view,), column_labels(view, shapes).long(), copies * h)

    def joined(self, other: "Columns") -> "Columns":
        """These and the others, which are disjoint from them."""
        labels = torch.where(other.labels >= 0, other.labels + self.count, self.labels)
        return Columns(self.views + other.views, labels, self.count + other.count)

    def to(self, device: torch.device) -> "Columns":
        """The same on a device."""
        return replace(self, labels=self.labels.to(device))

    def sums(self, values: Tensor) -> Tensor:
        """The sum over each column, shape ``(count,)``, float64."""
        parts = (view.read({view.parameter: values}).sum(1, dtype=torch.float64) for view in self.views)
        return torch.cat([part.flatten() for part in parts])

    def subtract_(self, values: Tensor, frame: Tensor, multipliers: Tensor) -> None:
        """Take ``multiplier * frame`` off every column, in place."""
        offset = 0
        for view in self.views:
            scale = view.read({view.parameter: frame})
            copies, _, h = scale.shape
            part = multipliers[offset : offset + copies * h].reshape(copies, 1, h)
            view.add_({view.parameter: values}, scale * -part.to(scale))
            offset += copies * h


def pinned_columns(name: str, among: Tensor, pins: Sequence[View], shapes: Shapes) -> tuple[Columns, ...]:
    """The pinned columns of a parameter that hold entries marked in ``among``; disjoint ones together."""
    merged: list[Columns] = []
    for pin in (pin for pin in pins if pin.parameter == name):
        columns = Columns.of(pin, shapes)
        inside = (columns.labels >= 0) & among
        if not bool(inside.any()):
            continue
        for i, other in enumerate(merged):
            if not bool((inside & (other.labels >= 0)).any()):
                merged[i] = other.joined(columns)
                break
        else:
            merged.append(columns)
    return tuple(merged)


#: Conditions whose part independent of the others is below this, squared and relative, count as dependent.
_DEPENDENT = 1e-10


class ColumnMeans:
    r"""The orthogonal projection of coordinates x onto :math:`\sum_{i \in \text{column}} E_i x_i = 0`.

    Entries whose frame is zero have no part in it. With disjoint columns the normal equations are diagonal. Two sets of
    columns, such as rows and columns of one matrix, are solved by the Schur complement of the smaller.
    """

    def __init__(self, frame: Tensor, columns: Sequence[Columns]) -> None:
        if len(columns) > 2:
            raise ValueError(f"at most two overlapping sections can hold on one parameter, got {len(columns)}")
        self._frame = frame
        self._columns = sorted(columns, key=lambda each: each.count, reverse=True)
        squares = frame.double().square()
        self._diagonals = [each.sums(squares) for each in self._columns]
        self._inverse = reciprocal(self._diagonals[0])
        if len(columns) == 2:
            first, second = (each.labels for each in self._columns)
            both = (first >= 0) & (second >= 0)
            width = len(self._diagonals[1])
            cross = torch.bincount(
                first[both] * width + second[both], squares[both], minlength=len(self._diagonals[0]) * width
            )
            self._cross = cross.reshape(-1, width)  # (columns of the first, of the second)
            schur = torch.diag(self._diagonals[1]) - self._cross.mT @ (self._inverse[:, None] * self._cross)
            # In units of its own diagonal the complement has eigenvalues from 0 to 1, whatever the sizes of weights.
            unit = reciprocal(self._diagonals[1].sqrt())
            values, vectors = torch.linalg.eigh(unit[:, None] * schur * unit)
            kept = values > _DEPENDENT
            vectors = unit[:, None] * vectors[:, kept]
            self._schur_inverse = (vectors / values[kept]) @ vectors.mT
            self._schur_rank = int(kept.sum())

    @property
    def rank(self) -> int:
        """The number of independent conditions."""
        first = int((self._diagonals[0] != 0).sum())
        return first + (self._schur_rank if len(self._columns) == 2 else 0)

    def __call__(self, x: Tensor) -> Tensor:
        """The projection of ``x``, in its shape and dtype."""
        weighted = self._frame * x
        sums = [each.sums(weighted) for each in self._columns]
        if len(self._columns) == 1:
            multipliers = [self._inverse * sums[0]]
        else:
            second = self._schur_inverse @ (sums[1] - self._cross.mT @ (self._inverse * sums[0]))
            multipliers = [self._inverse * (sums[0] - self._cross @ second), second]
        projected = x.clone()
        for each, multiplier in zip(self._columns, multipliers, strict=True):
            each.subtract_(projected, self._frame, multiplier)
        return projected
