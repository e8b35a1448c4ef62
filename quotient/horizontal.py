r"""The horizontal space of a batch of factor pairs, in the orthonormal frame of a metric."""

from dataclasses import dataclass

from torch import Tensor

from symmetries import stacks

from .metric import AbstractMetric, PairFrame


@dataclass(frozen=True)
class PairHorizontal:
    r"""The orthogonal projection off the vertical directions :math:`(-G X, H X^{H})`.

    In the balanced basis and an orthonormal frame a vertical direction reads
    :math:`(-\hat Q_G (p \circ X), \hat Q_H (q \circ X^{H}))` with :math:`p_{ij} = (s_i m_j)^{1/2}`,
    :math:`q_{ij} = (t_i m'_j)^{1/2}` for metric weights m and m', so that the normal equations are diagonal. With the
    invariant metric this is the Sylvester equation
    :math:`S^{-1} Y S + T Y T^{-1} = H^{H} \xi_H T^{-1} - S^{-1} \xi_G^{H} G` in the basis that diagonalizes it.

    Law: idempotent, symmetric, and zero on vertical directions.
    """

    frame: PairFrame
    metric: AbstractMetric

    def __call__(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """The horizontal part of frame coordinates ``(copies, n, h)`` and ``(copies, m, h)``."""
        (x_g, x_h), (q_g, q_h) = x, self.frame.bases
        along_g, along_h = self.correction(stacks.inner(q_g, x_g), stacks.inner(q_h, x_h))
        return stacks.times(q_g, along_g, x_g), stacks.times(q_h, along_h, x_h)

    def correction(self, along_g: Tensor, along_h: Tensor) -> tuple[Tensor, Tensor]:
        r"""The coefficients of :math:`\hat Q_G, \hat Q_H` that are added to coordinates.

        Args:
            along_g: :math:`\hat Q_G^{H} x_G`, shape ``(copies, h, h)``.
            along_h: :math:`\hat Q_H^{H} x_H`, likewise.
        """
        pairs = zip(self.frame.spectra, self.metric.weights(self.frame), strict=True)
        roots = ((spectrum.sqrt().to(along_g.real), weight.sqrt().to(along_g.real)) for spectrum, weight in pairs)
        p, q = (spectrum.unsqueeze(-1) * weight.unsqueeze(-2) for spectrum, weight in roots)
        vertical = (q.mT * along_h.mH - p * along_g) / (p.square() + q.mT.square())
        return p * vertical, -q * vertical.mH
