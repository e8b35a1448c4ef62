"""The columns that a geodesic of a factor pair moves in."""

from dataclasses import dataclass

import torch
from torch import Tensor

from symmetries import stacks

from .metric import Gram
from .tall import tall_like


@dataclass(frozen=True)
class Span:
    r"""The columns :math:`[Q\; X]` of one factor: its orthonormal basis and the coordinates of a velocity.

    Attributes:
        basis: Q, shape ``(copies, n, h)``.
        x: X, likewise.
        reach: a length that no copy of X exceeds, if one is known.
    """

    basis: Tensor
    x: Tensor
    reach: float | None = None

    def gram(self) -> Gram:
        """Of the columns, single precision at least."""
        working = torch.promote_types(self.x.dtype, torch.float32)
        m, k = stacks.inner(self.x, self.basis).to(working), stacks.inner(self.x, self.x).to(working)
        return Gram(m, k, self.reach, derivatives=2 if torch.is_grad_enabled() else 0)

    def combined(self, coefficients: Tensor, plus: Tensor | None = None) -> Tensor:
        """``plus + [Q X] W`` with coefficients W of shape ``(copies, 2h, h)``."""
        along, across = coefficients.to(self.x).chunk(2, dim=-2)
        return stacks.times(self.x, across, stacks.times(self.basis, along, plus))

    def add_(self, plus: Tensor, coefficients: Tensor) -> None:
        """:meth:`combined` in place."""
        along, across = coefficients.to(self.x).chunk(2, dim=-2)
        stacks.add_times_(plus, self.basis, along)
        stacks.add_times_(plus, self.x, across)

    def components(self, covector: Tensor) -> Tensor:
        """``[Q X]^H c``, shape ``(copies, 2h, h)``: what a covector pairs with coefficients."""
        return torch.cat([stacks.inner(self.basis, covector), stacks.inner(self.x, covector)], dim=-2)

    def pulled(self, covector: Tensor, across: Tensor, along: Tensor, inside: Tensor) -> Tensor:
        """``c across + Q along + X inside``, with matrices of shape ``(copies, h, h)``."""
        pulled = tall_like(covector)
        stacks.set_times_(pulled, covector, across.to(self.x))
        stacks.add_times_(pulled, self.basis, along.to(self.x))
        stacks.add_times_(pulled, self.x, inside.to(self.x))
        return pulled
