"""A diagonal matrix between two centrings, and the curve of those that have its spectrum there."""

from dataclasses import dataclass

import torch
from scipy.linalg import helmert
from torch import Tensor

#: Gains closer than this, relative to the largest, count as equal: rounding decides which eigenvectors they have.
COINCIDENT = 1e-10


@dataclass(frozen=True)
class Compression:
    r""":math:`P \Gamma P` on the complement of ones, with :math:`P = I - 1 1^{T} / d` and the gains :math:`\gamma`.

    Its eigenvalues :math:`\mu` are the critical points of :math:`p(x) = \prod_j (x - \gamma_j)`, so the gains of one
    spectrum are the roots of p + t, with one number t. In the basis of its eigenvectors v and of the vector of ones,
    :math:`\Gamma` is an arrow: :math:`\mu` and the mean of the gains on the diagonal, :math:`z_i = v_i^{T} \gamma /
    \sqrt{d}` on the border, and :math:`p(\mu_i) = -z_i^2 \prod_{k \ne i} (\mu_i - \mu_k)`. The gains at t have the same
    diagonal and the border :math:`z_i \sqrt{1 + t / p(\mu_i)}`: they are its eigenvalues, and t ends where the first of
    these roots vanishes, for two gains have met there.

    Args:
        gains: :math:`\gamma`, shape ``(d,)``, of two channels at least.
        eigenvalues: :math:`\mu`, ascending, shape ``(d - 1,)``.
        eigenvectors: the v as columns, shape ``(d, d - 1)``, with :math:`v_i^{T} \gamma > 0`.
    """

    gains: Tensor
    eigenvalues: Tensor
    eigenvectors: Tensor

    @classmethod
    def of(cls, gains: Tensor) -> "Compression":
        """The compression of given gains."""
        basis = torch.from_numpy(helmert(len(gains)).T).to(gains)  # (d, d - 1), orthonormal, orthogonal to ones
        eigenvalues, inner = torch.linalg.eigh(basis.mT @ (gains[:, None] * basis))
        eigenvectors = basis @ inner
        return cls(gains, eigenvalues, eigenvectors * torch.sgn(gains @ eigenvectors))

    @property
    def is_degenerate(self) -> bool:
        """Whether two gains coincide: both ends of the curve are there, and it is a point."""
        ordered = self.gains.detach().sort().values
        return bool(ordered.diff().min() <= COINCIDENT * ordered.abs().max())

    def along(self, s: Tensor) -> Tensor:
        r"""The gains at s, shape ``(d,)``: the distances of t to its ends have :math:`e^{s}` times the ratio they had.

        So every real s has a t, and parameters add up.
        """
        up, down = self._ends
        t = torch.expm1(s) / (up + s.exp() * down)  # in units of the smallest |p(mu)|
        change = self._centred((1 + t * self._weights).sqrt() - 1)
        roots = torch.linalg.eigvalsh(self.gains.diag() + change[:, None] + change)
        return roots[self.gains.argsort().argsort()]

    @property
    def velocity(self) -> Tensor:
        r"""The derivative of :meth:`along` at s = 0, a multiple of :math:`-1 / p'(\gamma_j)`, shape ``(d,)``."""
        up, down = self._ends
        return self._centred(self._weights) / (up + down)

    @property
    def angular_velocity(self) -> Tensor:
        r"""That of the eigenvectors, a skew matrix, shape ``(d, d)``.

        .. math:: X_{jk} = \frac{\dot\gamma_j + \dot\gamma_k}{2 (\gamma_j - \gamma_k)}
        """
        rates, distances = self.velocity, self.gains[:, None] - self.gains
        return (rates[:, None] + rates) / (2 * distances.fill_diagonal_(torch.inf))

    def rotation_to(self, other: "Compression") -> Tensor:
        """The rotation of these eigenvectors to those of another compression; it fixes ones. Shape ``(d, d)``."""
        return other.eigenvectors @ self.eigenvectors.mT + 1 / len(self.gains)

    @property
    def _weights(self) -> Tensor:
        r""":math:`1 / p(\mu_i)`, relative to the largest of them."""
        differences = self.eigenvalues[:, None] - self.gains
        logarithms = differences.abs().log().sum(dim=1)  # p itself leaves the range of floats in a wide model
        return differences.sgn().prod(dim=1) * (logarithms.min() - logarithms).exp()

    @property
    def _ends(self) -> tuple[Tensor, Tensor]:
        """One over the distance of t to the end below and to the end above; zero where there is no end."""
        weights = self._weights
        return weights.clamp_min(0).max(), (-weights).clamp_min(0).max()

    def _centred(self, share: Tensor) -> Tensor:
        """Half of what is added to the rows and columns of the gains when the border grows by a share of it."""
        border = self.gains @ self.eigenvectors
        return self.eigenvectors @ (border * share) / len(self.gains)
