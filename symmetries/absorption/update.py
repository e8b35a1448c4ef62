"""A product of trained factors beside a weight that is trained too."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import SymmetryError
from ..factor import EXACT
from ..params import Params, Shapes, Tangent
from ..view import View
from .base import AbstractAbsorption, added, zeros


@dataclass(frozen=True)
class Update(AbstractAbsorption):
    r"""A low-rank update whose base weight takes back every change of it.

    .. math:: (W, B, A) \mapsto (W - s\,((B + D)(A + E)^{T} - B A^{T}),\; B + D,\; A + E)

    for adapters trained together with the weight they adapt: the network depends on :math:`W + s B A^{T}` alone, so
    every entry of B and A is redundant. The group is additive. The section is :math:`B = A = 0`, the merged weight.

    Args:
        name: unique within a model.
        base: W, shape ``(copies, n, m)``.
        left: B, shape ``(copies, n, r)``.
        right: A, shape ``(copies, m, r)``.
        scale: s.
    """

    name: str
    base: View
    left: View
    right: View
    scale: float = 1.0
    family: str = "update into weight"
    flags: frozenset[str] = frozenset({EXACT})
    stage: ClassVar[int] = -1

    @property
    def views(self) -> tuple[View, ...]:
        """The weight and the two factors."""
        return (self.base, self.left, self.right)

    @property
    def moved(self) -> tuple[View, ...]:
        """All of them."""
        return self.views

    @property
    def pins(self) -> tuple[View, ...]:
        """Every entry of the two factors."""
        return (self.left.row, self.right.row)

    def check(self, shapes: Shapes) -> None:
        """The factors must multiply to the shape of the weight."""
        base, left, right = (view.shape(shapes) for view in self.views)
        if (left[:2], right[:2], left[2]) != (base[:2], (base[0], base[2]), right[2]):
            raise SymmetryError(
                f"{self.name}: expected factors (copies, n, r) and (copies, m, r) of a weight (copies, n, m), got "
                f"{left} and {right} for {base}"
            )

    def dimension(self, shapes: Shapes) -> int:
        """The number of entries of the factors."""
        return sum(self._sizes(shapes))

    def _sizes(self, shapes: Shapes) -> list[int]:
        return [prod(view.shape(shapes)) for view in (self.left, self.right)]

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """Gaussian changes of standard deviation ``scale``."""
        return scale * self.random_algebra(shapes, generator=generator)

    def exponential(self, algebra: Tensor) -> Tensor:
        """The changes themselves: the group is additive."""
        return algebra

    def inverse(self, element: Tensor) -> Tensor:
        """The opposite changes."""
        return -element

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        """Change the factors, and take the change of their product from the weight."""
        left, right = (view.read(params) for view in (self.left, self.right))
        d, e = self._split(element, params)
        product = (left + d) @ (right + e).mT - left @ right.mT
        added(self._changes(d, e, product), target)

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        """The same to first order."""
        left, right = (view.read(params) for view in (self.left, self.right))
        d, e = self._split(algebra, params)
        return added(self._changes(d, e, d @ right.mT + left @ e.mT), zeros(params, self.parameters))

    def section(self, params: Params) -> Tensor:
        """Minus the factors."""
        return -torch.cat([view.read(params).detach().double().cpu().flatten() for view in (self.left, self.right)])

    def _split(self, element: Tensor, params: Params) -> tuple[Tensor, Tensor]:
        left, right = (view.read(params) for view in (self.left, self.right))
        d, e = element.split([left.numel(), right.numel()])
        return d.to(left).reshape(left.shape), e.to(right).reshape(right.shape)

    def _changes(self, d: Tensor, e: Tensor, product: Tensor) -> Iterator[tuple[View, Tensor]]:
        yield from ((self.base, -self.scale * product), (self.left, d), (self.right, e))
