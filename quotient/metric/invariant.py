"""The invariant metric."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..geodesic import AbstractSpray, expm_action
from ..geodesic.base import State
from .base import AbstractMetric, PairFrame

#: The scale r of a velocity is not taken below this, so that the point itself (velocity 0) is not a special case.
_SMALLEST_SCALE = 2.0**-4


@dataclass(frozen=True)
class Invariant(AbstractMetric):
    r"""The scale-free metric, each factor weighted by its own inverse Gram matrix ([daSilva2025], Eq. 9).

    .. math:: \langle \xi, \zeta \rangle = \mathrm{Re\,Tr}(S^{-1} \xi_G^{H} \zeta_G)
              + \mathrm{Re\,Tr}(T^{-1} \xi_H^{H} \zeta_H), \qquad S = G^{H} G, \; T = H^{H} H

    The gradient is :math:`(D_G S, D_H T)`. Geodesics are known in closed form: for a velocity V at G,

    .. math:: \exp_G(V) = [G\; V]\; e^{B} \begin{bmatrix} e^{M} \\ 0 \end{bmatrix}, \quad
              B = \begin{bmatrix} -M & -K \\ I & N \end{bmatrix}, \quad
              M = S^{-1} V^{H} G, \; K = S^{-1} V^{H} V, \; N = S^{-1} G^{H} V.

    On coupled components of rescalings the invariant metric is the elementwise one, :math:`\sum (dw / w)^2`.
    """

    closed_form: ClassVar[bool] = True

    def weights(self, frame: PairFrame) -> tuple[Tensor, Tensor]:
        """``1 / s`` and ``1 / t``."""
        s, t = frame.damped
        return 1.0 / s, 1.0 / t

    def start(self, frame: PairFrame, x: State) -> "tuple[InvariantSpray, State]":
        """In the orthonormal gauge, where S and T start at the identity and coordinates are velocities."""
        scales = (spectrum.sqrt().unsqueeze(-1) for spectrum in frame.spectra)
        outward = tuple(c * a for c, a in zip(scales, frame.to_factor, strict=True))
        return InvariantSpray(frame.bases, outward), x


class InvariantSpray(AbstractSpray):
    """Decoupled: each factor moves on its own."""

    def __init__(self, position: State, outward: State) -> None:
        self.position = position
        self._outward = outward  # from orthonormal columns to the factor, double

    def acceleration(self, position: Any, velocity: Any) -> Any:
        r""":math:`V S^{-1} (V^{H} G + G^{H} V) - G S^{-1} V^{H} V` for either factor ([daSilva2025], app. I)."""
        rates = []
        for g, v in zip(position, velocity, strict=True):
            s_inverse = (g.mH @ g).inverse()
            rates.append(v @ (s_inverse @ (v.mH @ g + g.mH @ v)) - g @ (s_inverse @ (v.mH @ v)))
        return tuple(rates)

    def finish(self, position: State) -> State:
        """Back to the basis of the parameters."""
        return tuple(q @ a.to(q) for q, a in zip(position, self._outward, strict=True))

    def closed_form(self, velocity: State) -> State:
        """The class docstring's formula, with S = I."""
        ends = []
        for q, v, outward in zip(self.position, velocity, self._outward, strict=True):
            weights = _geodesic_weights(v.mH @ q, v.mH @ v).to(outward) @ outward  # (copies, 2h, h)
            along, across = weights.to(q).chunk(2, dim=-2)
            ends.append(q @ along + v @ across)
        return tuple(ends)


def _geodesic_weights(m: Tensor, k: Tensor) -> Tensor:
    r"""The 2h x h matrix :math:`e^{B} [e^{M}; 0]` from :math:`M = V^{H} Q` and :math:`K = V^{H} V`.

    V is divided by its largest length r first, so that the blocks of B are all of size r and the Taylor series of
    the exponentials short: radii in use are below one. All of it is of the size of the identity or smaller, in a gauge
    where S = I, and so as exact as the dtype (single precision at least).
    """
    m, k = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (m, k))
    squares = torch.diagonal(k, dim1=-2, dim2=-1).real.sum(-1)
    r = max(float(squares.detach().max().sqrt()), _SMALLEST_SCALE)
    start = torch.eye(m.shape[-1], dtype=m.dtype, device=m.device).expand_as(m)

    def generator(y: Tensor) -> Tensor:
        along, across = y.chunk(2, dim=-2)
        return torch.cat([-(m @ along) - k @ (across / r), r * along + m.mH @ across], dim=-2)

    start = expm_action(lambda y: m @ y, start, r)
    weights = expm_action(generator, torch.cat([start, torch.zeros_like(start)], dim=-2), 2 * r)
    along, across = weights.chunk(2, dim=-2)
    return torch.cat([along, across / r], dim=-2)
