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
from .coordinates import Coordinates, length
from .flat import reciprocal, vanishing
from .pullback import Pullback

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

    ``elementwise``: :math:`E = w`, so that coordinates are relative changes and :math:`\|\xi\|^2` is
    :math:`\sum (\xi_i / w_i)^2` ([daSilva2025], app. F; an exactly zero weight stays where it is). ``tensorwise``:
    :math:`E = \|W\|_F`, invariant under rotations too. ``euclidean``: E = 1. ``frozen``: the rest does not move.
    """

    def __init__(self, layout: RestLayout, params: Params, rest: Rest) -> None:
        self._point = {name: params[name] for name in layout.free if rest != "frozen"}
        self._rest = rest
        free = {name: layout.free[name] for name in self._point}
        self._free = {name: mask.to(params[name].device) for name, mask in free.items() if mask is not None}
        self._sizes = {name: self._size(name) for name in self._point} if rest == "tensorwise" else {}
        self._sections = {
            name: ColumnMeans(self._frame(name), layout.columns[name]) for name in self._point if layout.columns[name]
        }

    @property
    def entries(self) -> int:
        """The weights whose frame is not zero."""
        return sum(int((self._frame(name) != 0).sum()) for name in self._point)

    @property
    def dimension(self) -> int:
        """Entries, less the rank of the conditions."""
        return self.entries - sum(section.rank for section in self._sections.values())

    @property
    def tensors(self) -> int:
        """One for each parameter."""
        return len(self._point)

    def zeros(self) -> Coordinates:
        """One tensor for each parameter."""
        return tuple(torch.zeros_like(w) for w in self._point.values())

    def vector_(self, tangent: Tangent, x: Coordinates) -> None:
        """``E x``."""
        for name, a in zip(self._point, x, strict=True):
            tangent[name] = tangent[name] + self._frame(name) * a

    def coordinates(self, tangent: Tangent) -> Coordinates:
        """``u / E``, and 0 where E is 0."""
        return tuple(tangent[name] * reciprocal(self._frame(name)) for name in self._point)

    def components(self, covector: Covector) -> Coordinates:
        """``E c``."""
        return tuple(covector[name] * self._frame(name) for name in self._point)

    def covector_(self, covector: Covector, x: Coordinates) -> None:
        """``x / E``, and 0 where E is 0."""
        for name, a in zip(self._point, x, strict=True):
            covector[name] = covector[name] + a * reciprocal(self._frame(name))

    def project(self, x: Coordinates) -> Coordinates:
        """Orthogonally, in the frame, onto the tangents of the sections."""
        named = zip(self._point, x, strict=True)
        kept = (a * (self._frame(name) != 0) if name in self._vanishing else a for name, a in named)
        return tuple(
            self._sections[name](a, self._frame(name)) if name in self._sections else a
            for name, a in zip(self._point, kept, strict=True)
        )

    @cached_property
    def _vanishing(self) -> frozenset[str]:
        return vanishing((name, self._frame(name)) for name in self._point)

    def second_moments(self, x: Coordinates) -> Coordinates:
        """The square of every coordinate, times the number of entries whose size is its unit."""
        return tuple(a.square() * (a.numel() if self._rest == "tensorwise" else 1) for a in x)

    def ends(self, x: Coordinates) -> tuple[Tensor, ...]:
        """``w + E x``."""
        moved = zip(self._point.items(), x, strict=True)
        return tuple(torch.addcmul(w, self._frame(name), a) for (name, w), a in moved)

    def place_(self, params: Params, ends: tuple[Tensor, ...], into: Params) -> None:
        """Whole parameters."""
        params.update(zip(self._point, ends, strict=True))

    def entries_of(self, covector: Covector) -> tuple[Tensor, ...]:
        """Whole parameters."""
        return tuple(covector[name] for name in self._point)

    def linearized(
        self, x: Coordinates, *, horizontal: bool, into: Params | None
    ) -> tuple[tuple[Tensor, ...], Pullback]:
        """Lines are straight: the gradient is ``E c`` everywhere, and zero where E is."""
        memory = into or {}

        def pulled(name: str, c: Tensor) -> Tensor:
            frame = self._frame(name)
            own = into is not None and name not in self._free  # other blocks have none of its entries
            gradient = c.mul_(frame) if own else c * frame
            if horizontal and name in self._sections:
                self._sections[name].project_(gradient, frame)
            return gradient

        with torch.no_grad():
            named = zip(self._point.items(), x, strict=True)
            ends = tuple(torch.addcmul(w, self._frame(name), a, out=memory.get(name)) for (name, w), a in named)
        return ends, lambda covector: tuple(pulled(name, covector[name]) for name in self._point)

    def _frame(self, name: str) -> Tensor:
        """E, in no memory of its own where all entries are free."""
        w = self._point[name]
        frame = w if self._rest == "elementwise" else self._sizes.get(name, w.new_ones(())).expand_as(w)
        return frame * self._free[name] if name in self._free else frame

    def _size(self, name: str) -> Tensor:
        w = self._point[name]
        return length((w * self._free[name] if name in self._free else w,)).to(w)
