"""Everything outside factor pairs: straight lines in a diagonal frame, kept to the sections of absorptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from symmetries import Covector, Params, Shapes, Tangent, View

from .block import AbstractBlock
from .coordinates import Coordinates
from .flat import Adaptive, reciprocal
from .pins import column_labels

Rest = Literal["elementwise", "tensorwise", "euclidean", "frozen"]


@dataclass(frozen=True)
class RestLayout:
    """Which entries belong to no pair, and the column conditions of sections on them.

    Attributes:
        free: for each parameter with such entries, their mask.
        columns: for each parameter, up to two labellings of its entries by the pinned column they are in, or -1; pins
            whose columns are disjoint share one.
    """

    free: Mapping[str, Tensor]
    columns: Mapping[str, tuple[Tensor, ...]]

    @classmethod
    def of(cls, covered: Mapping[str, Tensor], pins: Sequence[View], shapes: Shapes) -> "RestLayout":
        """The layout that is left when pairs cover the entries marked in ``covered``."""
        free, columns = {}, {}
        for name, shape in shapes.items():
            mask = ~covered[name] if name in covered else torch.ones(shape, dtype=torch.bool)
            if bool(mask.any()):
                free[name] = mask
                labels = [column_labels(pin, shapes).long() for pin in pins if pin.parameter == name]
                columns[name] = _merged([torch.where(mask, label, -1) for label in labels])
        return cls(free, columns)


def _merged(labels: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Labellings put together where they do not overlap, numbered on."""
    merged: list[Tensor] = []
    for label in labels:
        for i, other in enumerate(merged):
            if not bool(((label >= 0) & (other >= 0)).any()):
                merged[i] = torch.where(label >= 0, label + other.max() + 1, other)
                break
        else:
            merged.append(label)
    return tuple(label for label in merged if bool((label >= 0).any()))


class RestBlock(AbstractBlock):
    r"""The chart of the rest: tangents ``E x`` with a diagonal frame E, and straight lines.

    ``elementwise``: :math:`E = |w|` ([daSilva2025], app. F; an exactly zero weight stays where it is). ``tensorwise``:
    :math:`E = \|W\|_F`, invariant under rotations too. ``euclidean``: E = 1. ``frozen``: the rest does not move.
    """

    def __init__(self, layout: RestLayout, params: Params, rest: Rest) -> None:
        names = [] if rest == "frozen" else list(layout.free)
        self._point = {name: params[name] for name in names}
        self._frame = {name: _frame(params[name], layout.free[name].to(params[name].device), rest) for name in names}
        self._sections = {
            name: ColumnMeans(self._frame[name], [c.to(params[name].device) for c in layout.columns[name]])
            for name in names
            if layout.columns[name]
        }

    @property
    def entries(self) -> int:
        """The weights whose frame is not zero."""
        return sum(int((e != 0).sum()) for e in self._frame.values())

    @property
    def dimension(self) -> int:
        """Entries, less the rank of the conditions."""
        return self.entries - sum(section.rank for section in self._sections.values())

    def zeros(self) -> Coordinates:
        """One tensor for each parameter."""
        return tuple(torch.zeros_like(w) for w in self._point.values())

    def vector_(self, tangent: Tangent, x: Coordinates) -> None:
        """``E x``."""
        for (name, e), a in zip(self._frame.items(), x, strict=True):
            tangent[name] = tangent[name] + e * a

    def coordinates(self, tangent: Tangent) -> Coordinates:
        """``u / E``, and 0 where E is 0."""
        return tuple(tangent[name] * reciprocal(e) for name, e in self._frame.items())

    def components(self, covector: Covector) -> Coordinates:
        """``E c``."""
        return tuple(covector[name] * e for name, e in self._frame.items())

    def covector_(self, covector: Covector, x: Coordinates) -> None:
        """``x / E``, and 0 where E is 0."""
        for (name, e), a in zip(self._frame.items(), x, strict=True):
            covector[name] = covector[name] + a * reciprocal(e)

    def project(self, x: Coordinates) -> Coordinates:
        """Orthogonally, in the frame, onto the tangents of the sections."""
        kept = (a * (e != 0) for a, e in zip(x, self._frame.values(), strict=True))
        return tuple(
            self._sections[name](a) if name in self._sections else a for name, a in zip(self._frame, kept, strict=True)
        )

    def exp_(self, params: Params, x: Coordinates) -> None:
        """``w + E x``."""
        for (name, e), a in zip(self._frame.items(), x, strict=True):
            params[name] = params[name] + e * a


def _frame(w: Tensor, free: Tensor, rest: Rest) -> Tensor:
    scopes: dict[str, Adaptive] = {
        "elementwise": Adaptive("elementwise"),
        "tensorwise": Adaptive("tensorwise"),
    }
    scale = torch.ones_like(w) if rest == "euclidean" else scopes[rest].scale(w * free)
    return scale * free


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
            self._schur_inverse = torch.linalg.pinv(schur, hermitian=True)
            self._schur_rank = int(torch.linalg.matrix_rank(schur, hermitian=True))

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
