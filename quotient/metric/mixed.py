"""The mixed metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from ..geodesic.base import State
from .base import AbstractMetric, PairFrame
from .gram import Gram
from .pair_spray import AbstractPairSpray


@dataclass(frozen=True)
class Mixed(AbstractMetric):
    r"""The metric that weights each factor by its partner's Gram matrix ([daSilva2025], Eq. 10).

    .. math:: \langle \xi, \zeta \rangle = \mathrm{Re\,Tr}(T \xi_G^{H} \zeta_G) + \mathrm{Re\,Tr}(S \xi_H^{H} \zeta_H)

    The gradient is :math:`(D_G T^{-1}, D_H S^{-1})`. To first order it measures the change of the products
    :math:`G H^{H}` in absolute units, where ``Invariant`` is relative. No closed-form geodesic is known.

    On coupled components of rescalings no mixed metric is known to be invariant: they carry the elementwise metric
    there, as under ``Invariant``.
    """

    closed_form: ClassVar[bool] = False

    def weights(self, frame: PairFrame) -> tuple[Tensor, Tensor]:
        """``t`` and ``s``."""
        s, t = frame.damped
        return t, s

    def start(self, frame: PairFrame, grams: Sequence[Gram]) -> "tuple[MixedSpray, State]":
        """In the balanced basis; coordinates are divided by the square roots of the weights."""
        scales = zip(frame.spectra, self.weights(frame), strict=True)
        starts = (gram.start(s.sqrt(), m.rsqrt()) for gram, (s, m) in zip(grams, scales, strict=True))
        position, velocity = zip(*starts, strict=True)
        return MixedSpray(grams, position, frame.to_factor), velocity


class MixedSpray(AbstractPairSpray):
    """Coupled: each factor's acceleration sees the other."""

    def acceleration(self, position: Any, velocity: Any) -> Any:
        r""":math:`G V_H^{H} V_H T^{-1} - V_G (V_H^{H} H + H^{H} V_H) T^{-1}`, and the same with G and H exchanged."""
        (g, h), (v_g, v_h) = position, velocity
        of_g, of_h = (gram.whole @ each for gram, each in zip(self._grams, position, strict=True))
        of_v_g, of_v_h = (gram.whole @ each for gram, each in zip(self._grams, velocity, strict=True))
        s_inverse, t_inverse = (g.mH @ of_g).inverse(), (h.mH @ of_h).inverse()
        a_g = g @ (v_h.mH @ of_v_h @ t_inverse) - v_g @ ((v_h.mH @ of_h + h.mH @ of_v_h) @ t_inverse)
        a_h = h @ (v_g.mH @ of_v_g @ s_inverse) - v_h @ ((v_g.mH @ of_g + g.mH @ of_v_g) @ s_inverse)
        return a_g, a_h

    def closed_form(self, velocity: State) -> State:
        """None is known.

        Raises:
            ValueError: always; the constructor of the geometry has refused ``Exact`` with this metric already.
        """
        raise ValueError(
            "no closed-form geodesic is known for the mixed metric; use Taylor(order) or RungeKutta(steps)"
        )
