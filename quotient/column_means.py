"""Zero means of the columns of a parameter: the tangents of the sections of absorptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from symmetries import Shapes, View, stacks

from .flat import reciprocal
from .pins import column_labels, covered_entries


@dataclass(frozen=True)
class Columns:
    """Disjoint columns of one parameter, numbered through several views of it.

    Attributes:
        views: the views whose columns they are.
        counts: how many each of them has.
    """

    views: tuple[View, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, view: View, shapes: Shapes) -> "Columns":
        """Those of one view."""
        copies, _, h = view.shape(shapes)
        return cls((view,), (copies * h,))

    @property
    def count(self) -> int:
        """The number of columns."""
        return sum(self.counts)

    def joined(self, other: "Columns") -> "Columns":
        """These and the others, which are disjoint from them."""
        return Columns(self.views + other.views, self.counts + other.counts)

    def labels(self, shape: torch.Size) -> Tensor:
        """For every entry of the parameter the number of its column, or -1."""
        labels = torch.full(shape, -1)
        for view, start in zip(self.views, accumulate(self.counts, initial=0), strict=False):
            own = column_labels(view, {view.parameter: shape}).long()
            labels = torch.where(own >= 0, own + start, labels)
        return labels

    def sums(self, frame: Tensor, values: Tensor) -> Tensor:
        """The sum of ``frame * values`` over each column, shape ``(count,)``, float64."""
        stacks = ([view.read({view.parameter: factor}) for factor in (frame, values)] for view in self.views)
        return torch.cat([_column_products(a, b).flatten() for a, b in stacks])

    def subtract_(self, values: Tensor, frame: Tensor, multipliers: Tensor) -> None:
        """Take ``multiplier * frame`` off every column, in place."""
        for view, part in zip(self.views, multipliers.split(self.counts), strict=True):
            scale = view.read({view.parameter: frame})
            view.add_({view.parameter: values}, scale, -part.reshape(len(scale), 1, -1).to(frame))


def _column_products(a: Tensor, b: Tensor) -> Tensor:
    """The inner products of columns, shape ``(copies, h)``, float64; a few at a time, so that it needs no memory."""
    few = max(1, stacks.CACHED // a[..., 0].numel()) if a.device.type == "cpu" else a.shape[-1]
    pieces = zip(a.split(few, -1), b.split(few, -1), strict=True)
    return torch.cat([stacks.column_sums(p * q) for p, q in pieces], -1)


def pinned_columns(name: str, among: Tensor, pins: Sequence[View], shapes: Shapes) -> tuple[Columns, ...]:
    """The pinned columns of a parameter that hold entries marked in ``among``; disjoint ones together."""
    merged: list[Columns] = []
    for pin in (pin for pin in pins if pin.parameter == name):
        columns = Columns.of(pin, shapes)
        inside = covered_entries(name, columns.views, shapes) & among
        if not bool(inside.any()):
            continue
        for i, other in enumerate(merged):
            if not bool((inside & covered_entries(name, other.views, shapes)).any()):
                merged[i] = other.joined(columns)
                break
        else:
            merged.append(columns)
    return tuple(merged)


#: Conditions whose part independent of the others is below this, squared and relative, count as dependent.
_DEPENDENT = 1e-10


class ColumnMeans:
    r"""The orthogonal projection of coordinates x onto :math:`\sum_{i \in \text{column}} E_i x_i = 0`.

    Entries whose frame is zero have no part in it. With disjoint columns the normal equations are diagonal. With two
    sets of columns, such as rows and columns of one matrix, what is left of the smaller set off the larger one is taken
    off after that, by the Schur complement.

    Args:
        frame: E. It is not kept: the projection is given it again, by whoever can make it anew.
        columns: at most two sets.

    Raises:
        ValueError: three sets.
    """

    def __init__(self, frame: Tensor, columns: Sequence[Columns]) -> None:
        if len(columns) > 2:
            raise ValueError(f"at most two overlapping sections can hold on one parameter, got {len(columns)}")
        self._first, *self._second = sorted(columns, key=lambda each: each.count, reverse=True)
        self._diagonal = self._first.sums(frame, frame)
        self._inverse = reciprocal(self._diagonal)
        self._schur_rank = 0
        if self._second:
            self._schur_inverse, self._schur_rank = _schur_inverse(frame, self._first, self._second[0])

    @property
    def rank(self) -> int:
        """The number of independent conditions."""
        return int((self._diagonal != 0).sum()) + self._schur_rank

    def __call__(self, x: Tensor, frame: Tensor) -> Tensor:
        """The projection of ``x``, in its shape and dtype."""
        projected = x.clone()
        self.project_(projected, frame)
        return projected

    def project_(self, x: Tensor, frame: Tensor) -> None:
        """The same in place."""
        self._off_first_(x, frame)
        for second in self._second:
            left = torch.zeros_like(x)
            second.subtract_(left, frame, self._schur_inverse @ second.sums(frame, x))
            self._off_first_(left, frame)
            x.add_(left)

    def _off_first_(self, x: Tensor, frame: Tensor) -> None:
        self._first.subtract_(x, frame, self._inverse * self._first.sums(frame, x))


def _schur_inverse(frame: Tensor, first: Columns, second: Columns) -> tuple[Tensor, int]:
    """The inverse Gram matrix of what is left of the second conditions off the first ones, and its rank."""
    double = frame.double()
    a, b = (each.labels(frame.shape).to(frame.device) for each in (first, second))
    both = (a >= 0) & (b >= 0)
    index = a[both] * second.count + b[both]
    cross = torch.bincount(index, double[both].square(), minlength=first.count * second.count).reshape(first.count, -1)
    diagonal = second.sums(double, double)
    schur = torch.diag(diagonal) - cross.mT @ (reciprocal(first.sums(double, double)).unsqueeze(-1) * cross)
    # In units of its own diagonal the complement has eigenvalues from 0 to 1, whatever the sizes of weights.
    unit = reciprocal(diagonal.sqrt())
    values, vectors = torch.linalg.eigh(unit[:, None] * schur * unit)
    kept = values > _DEPENDENT
    vectors = unit[:, None] * vectors[:, kept]
    return (vectors / values[kept]) @ vectors.mT, int(kept.sum())
