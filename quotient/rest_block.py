"""Everything outside factor pairs: straight lines in a diagonal frame, kept to the sections of absorptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from symmetries import Covector, Params, Shapes, Tangent, View

from .block import AbstractBlock
from .column_means import ColumnMeans, Columns, pinned_columns
from .coordinates import Coordinates
from .flat import Adaptive, reciprocal, vanishing

Rest = Literal["elementwise", "tensorwise", "euclidean", "frozen"]


@dataclass(frozen=True)
class RestLayout:
    """Which entries belong to no pair, and the column conditions of sections on them.

    Attributes:
        free: for each parameter with such entries, their mask; None where all are.
        columns: for each parameter the pinned columns, in up to two sets; disjoint ones are in one set.
    """

    free: Mapping[str, Tensor | None]
    columns: Mapping[str, tuple[Columns, ...]]

    @classmethod
    def of(cls, covered: Mapping[str, Tensor], pins: Sequence[View], shapes: Shapes) -> "RestLayout":
        """The layout that is left when pairs cover the entries marked in ``covered``."""
        free: dict[str, Tensor | None] = {}
        columns: dict[str, tuple[Columns, ...]] = {}
        for name, shape in shapes.items():
            mask = ~covered[name] if name in covered else torch.ones(shape, dtype=torch.bool)
            if bool(mask.any()):
                free[name] = None if bool(mask.all()) else mask
                columns[name] = pinned_columns(name, mask, pins, shapes)
        return cls(free, columns)


class RestBlock(AbstractBlock):
    r"""The chart of the rest: tangents ``E x`` with a diagonal frame E, and straight lines.

    ``elementwise``: :math:`E = |w|` ([daSilva2025], app. F; an exactly zero weight stays where it is). ``tensorwise``:
    :math:`E = \|W\|_F`, invariant under rotations too. ``euclidean``: E = 1. ``frozen``: the rest does not move.
    """

    def __init__(self, layout: RestLayout, params: Params, rest: Rest) -> None:
        names = [] if rest == "frozen" else list(layout.free)
        self._point = {name: params[name] for name in names}
        self._tensorwise = rest == "tensorwise"
        self._frame = {name: _frame(params[name], layout.free[name], rest) for name in names}
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
        named = zip(self._frame.items(), x, strict=True)
        kept = (a * (e != 0) if name in self._vanishing else a for (name, e), a in named)
        return tuple(
            self._sections[name](a) if name in self._sections else a for name, a in zip(self._frame, kept, strict=True)
        )

    @cached_property
    def _vanishing(self) -> frozenset[str]:
        return vanishing(self._frame)

    def second_moments(self, x: Coordinates) -> Coordinates:
        """The square of every coordinate, times the number of entries whose size is its unit."""
        return tuple(a.square() * (a.numel() if self._tensorwise else 1) for a in x)

    def ends(self, x: Coordinates) -> tuple[Tensor, ...]:
        """``w + E x``."""
        return tuple(
            torch.addcmul(w, e, a) for w, e, a in zip(self._point.values(), self._frame.values(), x, strict=True)
        )

    def place_(self, params: Params, ends: tuple[Tensor, ...]) -> None:
        """Whole parameters."""
        params.update(zip(self._point, ends, strict=True))

    def entries_of(self, covector: Covector) -> tuple[Tensor, ...]:
        """Whole parameters."""
        return tuple(covector[name] for name in self._point)


def _frame(w: Tensor, free: Tensor | None, rest: Rest) -> Tensor:
    scopes: dict[str, Adaptive] = {
        "elementwise": Adaptive("elementwise"),
        "tensorwise": Adaptive("tensorwise"),
    }
    mask = None if free is None else free.to(w.device)
    scale = torch.ones_like(w) if rest == "euclidean" else scopes[rest].scale(w if mask is None else w * mask)
    return scale.expand_as(w) if mask is None else scale * mask
