"""Keeping to the section of an absorption: directions along which a tangent must have no mean."""

import math
import warnings
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
    """The groups of rows of ``view`` that ``pin`` averages; none where it averages across copies or columns."""
    seen = view.read({view.parameter: column_labels(pin, shapes)})
    seen = (seen.real if seen.is_complex() else seen).long()  # (copies, n, h)
    pattern = seen[0, :, 0]
    groups = [torch.nonzero(pattern == label).flatten() for label in pattern.unique() if label >= 0]
    inside = torch.zeros_like(pattern, dtype=torch.bool)
    for group in groups:
        inside[group] = True
        one_column = bool((seen[:, group] == seen[:, group[:1]]).all())
        inside[group] &= one_column and len(group) == pin.shape(shapes)[1]
    if bool(((seen >= 0) != inside[:, None]).any()):
        warnings.warn(
            f"the section of {pin.parameter!r} read as {pin.pattern!r} mixes copies or columns of a factor pair: its "
            "directions stay in the ball (the geometry is invariant all the same)",
            stacklevel=2,
        )
        return []
    return groups


def column_labels(view: View, shapes: Shapes) -> Tensor:
    """A tensor of the parameter's shape that holds the number of the view's column each entry is in, or -1."""
    copies, n, h = view.shape(shapes)
    labels = {view.parameter: torch.full(shapes[view.parameter], -1.0, dtype=torch.float64)}
    column = torch.arange(copies * h, dtype=torch.float64).reshape(copies, 1, h).expand(copies, n, h)
    view.write_(labels, torch.complex(column, column) if view.is_complex else column)
    return labels[view.parameter]
