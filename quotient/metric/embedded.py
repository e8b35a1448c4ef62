"""The metric of the products."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..geodesic.base import State
from .base import AbstractMetric, PairFrame
from .gram import Gram
from .pair_spray import AbstractPairSpray


@dataclass(frozen=True)
class Embedded(AbstractMetric):
    r"""The metric whose ball is, to first order, a Frobenius ball of the products :math:`M = G H^{H}`.

    .. math:: \langle \xi, \zeta \rangle = \mathrm{Re\,Tr}(T \xi_G^{H} (I + P_G) \zeta_G)
              + \mathrm{Re\,Tr}(S \xi_H^{H} (I + P_H) \zeta_H),

    with the projections :math:`P_G, P_H` on the columns of the factors. On horizontal tangents, which are those of
    ``Mixed``, it is the inner product of :math:`\dot M = \xi_G H^{H} + G \xi_H^{H}`:

    .. math:: \|\xi\|^2 = \|\xi_G H^{H} + G \xi_H^{H}\|_F^2.

    The quotient is the manifold of matrices of rank h as a part of all matrices [Vandereycken2013]; its geodesics are
    those along which :math:`\ddot M` is normal to it. No closed form is known. For attention, where M is
    :math:`W_Q W_K^{\top}` or :math:`W_V W_O`, it is plain sharpness of what a head computes with, in absolute units and
    without any choice of a representative. On coupled components of rescalings see :class:`Mixed`.

    Needs ``horizontal=True``: the geodesics are those of horizontal velocities.
    """

    closed_form: ClassVar[bool] = False
    core: ClassVar[float] = 2.0

    def weights(self, frame: PairFrame) -> tuple[Tensor, Tensor]:
        """``t`` and ``s``."""
        s, t = frame.damped
        return t, s

    def start(self, frame: PairFrame, grams: Sequence[Gram]) -> "tuple[EmbeddedSpray, State]":
        """In the balanced basis; the part of a velocity in the columns of its factor is shortened."""
        position, velocity = [], []
        for gram, s, m in zip(grams, frame.spectra, self.weights(frame), strict=True):
            at, across = gram.start(s.sqrt(), m.rsqrt())
            along = (self.core**-0.5 - 1.0) * gram.m.mH * m.rsqrt().unsqueeze(-2).to(gram.m)
            position.append(at)
            velocity.append(across + torch.cat([along, torch.zeros_like(along)], dim=-2))
        return EmbeddedSpray(grams, tuple(position), frame.to_factor), tuple(velocity)


class EmbeddedSpray(AbstractPairSpray):
    r"""Accelerations that keep velocities horizontal and :math:`\ddot M` normal: :math:`P_G \ddot M = \ddot M P_H = 0`.

    With the parts of a velocity along and across the columns of its factor, :math:`V_G = G a + W_G` and
    :math:`V_H = H b + W_H` (horizontal: :math:`b = a^{H}`),

    .. math:: \ddot G = G (\tfrac12 E - a^2) - 2 W_G a, \qquad \ddot H = H (-\tfrac12 E^{H} - b^2) - 2 W_H b, \qquad
              E = W_H^{H} W_H T^{-1} - S^{-1} W_G^{H} W_G.
    """

    def acceleration(self, position: Any, velocity: Any) -> Any:
        """The class docstring's formula."""
        parts = []
        for gram, x, v in zip(self._grams, position, velocity, strict=True):
            of_x = gram.whole @ x
            inverse = (x.mH @ of_x).inverse()
            along = inverse @ (of_x.mH @ v)
            across = v - x @ along
            parts.append((along, across, inverse @ (across.mH @ (gram.whole @ across))))
        (a, w_g, k_g), (b, w_h, k_h) = parts
        g, h = position
        a_g = g @ (0.5 * (k_h.mH - k_g) - a @ a) - (w_g + w_g) @ a
        a_h = h @ (0.5 * (k_g.mH - k_h) - b @ b) - (w_h + w_h) @ b
        return a_g, a_h

    def closed_form(self, velocity: State) -> State:
        """None is known.

        Raises:
            ValueError: always; the constructor of the geometry has refused ``Exact`` with this metric already.
        """
        raise ValueError(
            "no closed-form geodesic is known for the embedded metric; use Taylor(order) or RungeKutta(steps)"
        )
