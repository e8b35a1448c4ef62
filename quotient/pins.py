"""Keeping to the section of an absorption: directions along which a tangent must have no mean."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from symmetries import Shapes, View


def row_normals(side: Sequence[View], pins: Sequence[View], shapes: Shapes) -> Tensor:
    r"""The orthonormal row vectors that tangents of one factor are orthogonal to, on the section.

    A pin says that the mean over its rows is held. Where each of its columns lies within one column of the factor, it
    is a condition :math:`\nu^{T} \xi = 0` on the rows of the factor, the same for all copies and columns, and so
    commutes with every metric and with the horizontal projection.

    Returns:
        A matrix ``(rows, k)`` with orthonormal columns, float64; k may be 0.
    """
    rows = [view.shape(shapes)[1] for view in side]
    normals, start = [], 0
    for view, n in zip(side, rows, strict=True):
        for pin in (pin for pin in pins if pin.parameter == view.parameter):
            for group in _row_groups(view, pin, shapes):
                normal = torch.zeros(sum(rows), dtype=torch.float64)
                normal[start + group] = 1.0 / math.sqrt(len(group))
                normals.append(normal)
        start += n
    return torch.stack(normals, dim=1) if normals else torch.zeros(sum(rows), 0, dtype=torch.float64)


def _row_groups(view: View, pin: View, shapes: Shapes) -> list[Tensor]:
    """The groups of rows of ``view`` that ``pin`` averages; empty where it averages across copies or columns."""
    labels = column_labels(pin, shapes)
    seen = view.read({view.parameter: labels})
    seen = (seen.real if seen.is_complex() else seen).long()  # (copies, n, h)
    pattern = seen[0, :, 0]
    groups = [torch.nonzero(pattern == label).flatten() for label in pattern.unique() if label >= 0]
    size = pin.shape(shapes)[1]
    for group in groups:
        values = seen[:, group, :]
        uniform = bool((values == values[:, :1]).all()) and bool((values >= 0).all())
        if not uniform or len(group) != size:
            return []
    return groups


def column_labels(view: View, shapes: Shapes) -> Tensor:
    """A tensor of the parameter's shape that holds the number of the view's column each entry is in, or -1."""
    copies, n, h = view.shape(shapes)
    labels = {view.parameter: torch.full(shapes[view.parameter], -1.0, dtype=torch.float64)}
    column = torch.arange(copies * h, dtype=torch.float64).reshape(copies, 1, h).expand(copies, n, h)
    view.write_(labels, torch.complex(column, column) if view.is_complex else column)
    return labels[view.parameter]
