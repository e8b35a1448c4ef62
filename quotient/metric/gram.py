"""Gram matrices: all that a geodesic sees of a factor and its velocity."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gram:
    r"""The Gram matrix of :math:`[Q\; X]`: orthonormal columns Q of a factor, frame coordinates X of a velocity.

    .. math:: \begin{bmatrix} I & M^{H} \\ M & K \end{bmatrix}, \qquad M = X^{H} Q, \quad K = X^{H} X

    Geodesics of the metrics here stay in the span of these 2h columns, with coefficients that depend on nothing else.

    Attributes:
        m: M, shape ``(copies, h, h)``, single precision at least.
        k: K, likewise.
        reach: a length that no copy of X exceeds, if one is known.
        derivatives: how many derivatives of a geodesic have to be as good as its values.
    """

    m: Tensor
    k: Tensor
    reach: float | None = None
    derivatives: int = 2

    @property
    def bounds(self) -> tuple[float, float]:
        """On the spectral norms of X and M; the known length for both, for which no device is waited for."""
        if self.reach is not None:
            return self.reach, self.reach
        length, along = (float(torch.linalg.matrix_norm(a.detach()).max()) for a in (self.k, self.m))
        return math.sqrt(length), min(math.sqrt(length), along)

    @cached_property
    def whole(self) -> Tensor:
        """The matrix, shape ``(copies, 2h, 2h)``."""
        upper = torch.cat([self.identity, self.m.mH], dim=-1)
        return torch.cat([upper, torch.cat([self.m, self.k], dim=-1)], dim=-2)

    @property
    def identity(self) -> Tensor:
        """Shape ``(copies, h, h)``."""
        return torch.eye(self.m.shape[-1], dtype=self.m.dtype, device=self.m.device).expand_as(self.m)

    def start(self, along: Tensor | None = None, across: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Coefficients ``(copies, 2h, h)`` of ``Q diag(along)`` and of ``X diag(across)``; by default of Q and X."""
        position, velocity = (
            self.identity if scale is None else self.identity * scale.unsqueeze(-2).to(self.m)
            for scale in (along, across)
        )
        zero = torch.zeros_like(self.identity)
        return torch.cat([position, zero], dim=-2), torch.cat([zero, velocity], dim=-2)
