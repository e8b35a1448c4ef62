"""Keeping to the section of an absorption: directions along which a tangent must have no mean."""

import math
import warnings
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from symmetries import Columns, Shapes, View


def row_normals(side: Sequence[View | Columns], pins: Sequence[View], shapes: Shapes) -> Tensor:
    r"""The orthonormal row vectors that tangents of one factor are orthogonal to, on the section.

    A pin says that the mean over its rows is held. Where each of its columns lies within one column of the factor, it
    is a condition :math:`\nu^{T} \xi = 0` on the rows of the factor, the same for all copies and columns, and so
    commutes with every metric and with the horizontal projection.

    Returns:
        A matrix ``(rows, k)`` with orthonormal columns, float64; k may be 0.
    """
    rows = [view.shape(shapes)[1] for view in side]
    normals, start = [], 0
    for columns, n in zip(side, rows, strict=True):
        views = columns.views if isinstance(columns, Columns) else (columns,)
        for group in _common([_pinned(view, pins, shapes) for view in views]):
            normal = torch.zeros(sum(rows), dtype=torch.float64)
            normal[start + torch.tensor(group)] = 1.0 / math.sqrt(len(group))
            normals.append(normal)
        start += n
    return torch.stack(normals, dim=1) if normals else torch.zeros(sum(rows), 0, dtype=torch.float64)


def _pinned(view: View, pins: Sequence[View], shapes: Shapes) -> list[tuple[int, ...]]:
    """The groups of rows of a view that pins average."""
    own = (pin for pin in pins if pin.parameter == view.parameter)
    return [tuple(group.tolist()) for pin in own for group in _row_groups(view, pin, shapes)]


def _common(groups: Sequence[list[tuple[int, ...]]]) -> list[tuple[int, ...]]:
    """The groups of rows that are averaged in all columns of a factor."""
    first, *others = groups
    common = [group for group in first if all(group in other for other in others)]
    if any(len(each) > len(common) for each in groups):
        warnings.warn(
            "a section holds means in some columns of a factor, not in all: its directions stay in the ball (the "
            "geometry is invariant all the same)",
            stacklevel=2,
        )
    return common


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


def covered_entries(parameter: str, views: Iterable[View], shapes: Shapes) -> Tensor:
    """A mask of the parameter's shape: the entries that some of the views read."""
    masks = {parameter: torch.zeros(shapes[parameter], dtype=torch.bool)}
    for view in views:
        view.fill_(masks, True)
    return masks[parameter]


def column_labels(view: View, shapes: Shapes) -> Tensor:
    """A tensor of the parameter's shape that holds the number of the view's column each entry is in, or -1."""
    copies, n, h = view.shape(shapes)
    labels = {view.parameter: torch.full(shapes[view.parameter], -1.0, dtype=torch.float64)}
    column = torch.arange(copies * h, dtype=torch.float64).reshape(copies, 1, h).expand(copies, n, h)
    view.write_(labels, torch.complex(column, column) if view.is_complex else column)
    return labels[view.parameter]
