"""The columns that a geodesic of a factor pair moves in."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .metric import Gram
from .tall import times


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
        return Gram((self.x.mH @ self.basis).to(working), (self.x.mH @ self.x).to(working), self.reach)

    def combined(self, coefficients: Tensor, plus: Tensor | None = None) -> Tensor:
        """``plus + [Q X] W`` with coefficients W of shape ``(copies, 2h, h)``."""
        along, across = coefficients.to(self.x).chunk(2, dim=-2)
        return times(self.x, across, times(self.basis, along, plus))

    def components(self, covector: Tensor) -> Tensor:
        """``[Q X]^H c``, shape ``(copies, 2h, h)``: what a covector pairs with coefficients."""
        return torch.cat([self.basis.mH @ covector, self.x.mH @ covector], dim=-2)

    def pulled(self, covector: Tensor, coefficients: Tensor, gram: Gram) -> Tensor:
        r"""The gradient in X of the pairing :math:`\langle c, [Q\; X]\, W(M, K) \rangle`.

        Args:
            covector: c.
            coefficients: W.
            gram: the gradients :math:`\mu, \kappa` of :math:`\langle [Q\; X]^{H} c, W(M, K) \rangle` in M and K.

        Returns:
            :math:`c\, W_X^{H} + Q \mu^{H} + X (\kappa + \kappa^{H})`.
        """
        across, mu, kappa = (a.to(self.x) for a in (coefficients.chunk(2, dim=-2)[1], gram.m, gram.k))
        return times(self.x, kappa + kappa.mH, times(self.basis, mu.mH, times(covector, across.mH)))
