"""The invariant metric."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..geodesic import SERIES_NORM, series_degree
from ..geodesic.base import State
from .base import AbstractMetric, PairFrame
from .gram import Gram
from .pair_spray import AbstractPairSpray


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

    def start(self, frame: PairFrame, grams: Sequence[Gram]) -> "tuple[InvariantSpray, State]":
        """In the orthonormal gauge, where S and T start at the identity and coordinates are velocities."""
        scales = (spectrum.sqrt().unsqueeze(-1) for spectrum in frame.spectra)
        outward = tuple(c * a for c, a in zip(scales, frame.to_factor, strict=True))
        position, velocity = zip(*(gram.start() for gram in grams), strict=True)
        return InvariantSpray(grams, position, outward), velocity


class InvariantSpray(AbstractPairSpray):
    """Decoupled: each factor moves on its own."""

    def acceleration(self, position: Any, velocity: Any) -> Any:
        r""":math:`V S^{-1} (V^{H} G + G^{H} V) - G S^{-1} V^{H} V` for either factor ([daSilva2025], app. I)."""
        rates = []
        for gram, g, v in zip(self._grams, position, velocity, strict=True):
            of_g, of_v = gram.whole @ g, gram.whole @ v
            s_inverse = (g.mH @ of_g).inverse()
            rates.append(v @ (s_inverse @ (v.mH @ of_g + g.mH @ of_v)) - g @ (s_inverse @ (v.mH @ of_v)))
        return tuple(rates)

    def closed_form(self, velocity: State) -> State:
        """The class docstring's formula, with S = I."""
        return self.finish(tuple(_closed_form(gram) for gram in self._grams))


def _closed_form(gram: Gram) -> Tensor:
    r"""The 2h x h matrix :math:`e^{B} [e^{M}; 0] - [I; 0]`, with S = I.

    The two exponentials commute, on the left and on the right: together they are that of :math:`L C = B C + C M`, and
    its action on :math:`C = [I; 0]` is a series of products of h x h matrices [AlMohy2011]. With V divided by its
    length r the norm of B is at most :math:`r + \|M\|`, that of L :math:`r + 2 \|M\|`.
    """
    m, k, (length, inside) = gram.m, gram.k, gram.bounds
    bound = length + 2 * inside
    if bound > SERIES_NORM:
        b = torch.cat([torch.cat([-m, -k], dim=-1), torch.cat([gram.identity, m.mH], dim=-1)], dim=-2)
        ends = torch.linalg.matrix_exp(b)[..., : m.shape[-1]] @ torch.linalg.matrix_exp(m)
        return ends - torch.cat([gram.identity, torch.zeros_like(m)], dim=-2)
    total_along, total_across = torch.zeros_like(m), gram.identity  # L C = [0; I]
    degrees = range(2, series_degree(bound, m.dtype, gram.derivatives) + 1)
    for j, (along, across) in zip(degrees, _powers(m, k), strict=False):
        total_along = total_along.add(along, alpha=1.0 / math.factorial(j))
        total_across = total_across.add(across, alpha=1.0 / math.factorial(j))
    return torch.cat([total_along, total_across], dim=-2)


def _powers(m: Tensor, k: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The two blocks of ``L^j [I; 0]`` from j = 2 on, at no, three, and then five products each."""
    minus_m, minus_k = -m, -k
    along, across = minus_k, m + m.mH
    yield along, across
    half = across @ m  # the other half, M^H (M + M^H), is its adjoint
    along, across = (m @ k).baddbmm(minus_k, m + across), half + half.mH - k
    while True:
        yield along, across
        along, across = (
            (along @ m).baddbmm(minus_m, along).baddbmm(minus_k, across),
            along.baddbmm(m.mH, across).baddbmm(across, m),
        )
