"""Zero means of the columns of a parameter: the tangents of the sections of absorptions."""

from collections.abc import Sequence

import torch
from torch import Tensor

from symmetries import Shapes, View

from .flat import reciprocal
from .pins import column_labels


def pinned_columns(name: str, among: Tensor, pins: Sequence[View], shapes: Shapes) -> tuple[Tensor, ...]:
    """For every entry of a parameter the number of the pinned column it is in, or -1.

    Only entries marked in ``among`` count. Pins whose columns are disjoint share one labelling.
    """
    merged: list[Tensor] = []
    for pin in (pin for pin in pins if pin.parameter == name):
        label = torch.where(among, column_labels(pin, shapes).long(), -1)
        for i, other in enumerate(merged):
            if not bool(((label >= 0) & (other >= 0)).any()):
                merged[i] = torch.where(label >= 0, label + other.max() + 1, other)
                break
        else:
            merged.append(label)
    return tuple(label for label in merged if bool((label >= 0).any()))


#: Conditions whose part independent of the others is below this, squared and relative, count as dependent.
_DEPENDENT = 1e-10


class ColumnMeans:
    r"""The orthogonal projection of coordinates x onto :math:`\sum_{i \in \text{column}} E_i x_i = 0`.

    One labelling has disjoint columns, and the normal equations are diagonal. Two, such as rows and columns of one
    matrix, are solved by the Schur complement of the smaller.
    """

    def __init__(self, frame: Tensor, labels: Sequence[Tensor]) -> None:
        if len(labels) > 2:
            raise ValueError(f"at most two overlapping sections can hold on one parameter, got {len(labels)}")
        self._frame = frame
        self._labels = sorted(labels, key=lambda label: int(label.max()), reverse=True)
        squares = frame.double().square()
        self._diagonals = [_sums(squares, label) for label in self._labels]
        if len(labels) == 2:
            first, second = self._labels
            both = (first >= 0) & (second >= 0)
            width = len(self._diagonals[1])
            cross = torch.bincount(
                first[both] * width + second[both], squares[both], minlength=len(self._diagonals[0]) * width
            )
            self._cross = cross.reshape(-1, width)  # (columns of the first, of the second)
            schur = torch.diag(self._diagonals[1]) - self._cross.mT @ (
                reciprocal(self._diagonals[0])[:, None] * self._cross
            )
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
        return first + (self._schur_rank if len(self._labels) == 2 else 0)

    def __call__(self, x: Tensor) -> Tensor:
        """The projection of ``x``, in its shape and dtype."""
        sums = [_sums(self._frame.double() * x.double(), label) for label in self._labels]
        inverse = reciprocal(self._diagonals[0])
        if len(self._labels) == 1:
            multipliers = [inverse * sums[0]]
        else:
            second = self._schur_inverse @ (sums[1] - self._cross.mT @ (inverse * sums[0]))
            multipliers = [inverse * (sums[0] - self._cross @ second), second]
        for label, multiplier in zip(self._labels, multipliers, strict=True):
            x = x - self._frame * torch.where(label >= 0, multiplier[label.clamp_min(0)], 0.0).to(x)
        return x


def _sums(values: Tensor, labels: Tensor) -> Tensor:
    inside = labels >= 0
    zeros = torch.zeros(int(labels.max()) + 1, dtype=values.dtype, device=values.device)
    return zeros.index_add(0, labels[inside], values[inside])
