"""The mixed metric."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from ..geodesic import AbstractSpray
from ..geodesic.base import State
from .base import AbstractMetric, PairFrame


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

    def start(self, frame: PairFrame, x: State) -> "tuple[MixedSpray, State]":
        """In the balanced basis; coordinates are divided by the square roots of the weights."""
        bases = tuple(q * s.sqrt().unsqueeze(-2).to(q) for q, s in zip(frame.bases, frame.spectra, strict=True))
        scales = (weight.rsqrt().unsqueeze(-2) for weight in self.weights(frame))
        velocity = tuple(a * scale.to(a) for a, scale in zip(x, scales, strict=True))
        return MixedSpray(bases, frame.to_factor), velocity


class MixedSpray(AbstractSpray):
    """Coupled: each factor's acceleration sees the other."""

    def __init__(self, position: State, outward: State) -> None:
        self.position = position
        self._outward = outward  # from the balanced basis to the factor, double

    def acceleration(self, position: Any, velocity: Any) -> Any:
        r""":math:`G V_H^{H} V_H T^{-1} - V_G (V_H^{H} H + H^{H} V_H) T^{-1}`, and the same with G and H exchanged."""
        (g, h), (v_g, v_h) = position, velocity
        s_inverse, t_inverse = (g.mH @ g).inverse(), (h.mH @ h).inverse()
        a_g = g @ (v_h.mH @ v_h @ t_inverse) - v_g @ ((v_h.mH @ h + h.mH @ v_h) @ t_inverse)
        a_h = h @ (v_g.mH @ v_g @ s_inverse) - v_h @ ((v_g.mH @ g + g.mH @ v_g) @ s_inverse)
        return a_g, a_h

    def finish(self, position: State) -> State:
        """Back to the basis of the parameters."""
        return tuple(x @ a.to(x) for x, a in zip(position, self._outward, strict=True))

    def closed_form(self, velocity: State) -> State:
        """None is known.

        Raises:
            ValueError: always; the constructor of the geometry has refused ``Exact`` with this metric already.
        """
        raise ValueError(
            "no closed-form geodesic is known for the mixed metric; use Taylor(order) or RungeKutta(steps)"
        )
