"""XTrace: the trace from every leave-one-out sketch of the same products."""

import math

import torch
from scipy.stats import t as student
from torch import Tensor

from ..operators.operator import AbstractOperator
from ..operators.orthogonalization import inner, negligible, orthogonalize_, products
from .quadratic_forms import uniform


class XTrace:
    r"""The exchangeable estimator of [Epperly2024], on uniform vectors :math:`\omega_1, \dots, \omega_k` of a sphere.

    With :math:`Q_{(i)}` an orthonormal basis of the images :math:`A \omega_j, j \ne i`, and :math:`r_i` the part of
    :math:`\omega_i` orthogonal to it, scaled to the radius :math:`\sqrt{d - k + 1}`,

    .. math:: t_i = \mathrm{tr}\, Q_{(i)}^T A Q_{(i)} + r_i^T A r_i, \qquad \hat t = \frac 1 k \sum_i t_i .

    Every vector serves the sketch of the others and is the test vector of its own. All :math:`t_i`, and those of the
    estimator without any one vector, come from matrices ``(k, k)``.

    The error that [Epperly2024] states takes the :math:`t_i` for uncorrelated; on decaying spectra it came out up
    to a third too small. The jackknife of :math:`\hat t` takes its place, which is not too small in the mean
    [EfronStein1981]; on decaying spectra it is up to twice too large.

    Attributes:
        products: how many were taken, two for every vector.
        exhausted: whether the images span the range of A: then the trace is exact.

    Args:
        operator: A.
        generator: where the vectors come from.
    """

    def __init__(self, operator: AbstractOperator, generator: torch.Generator | None) -> None:
        self.operator, self.generator = operator, generator
        self.products = 0
        self.exhausted = False
        self._rows: list[Tensor] = []
        self._vectors: list[Tensor] = []
        nothing = torch.zeros(0, 0, dtype=torch.float64)
        self._images, self._overlaps, self._compressed = nothing, nothing, nothing  # Q A W, Q W, Q A Q^T
        self._forms = nothing.flatten()  # omega A omega

    def grow(self) -> None:
        r"""One more vector, for two products."""
        omega = uniform(self.operator, self.generator)
        image = self.operator(omega)
        self.products += 1
        row = image.clone()
        left = orthogonalize_(row, self._rows)[1].item()
        if negligible(left, image):
            self.exhausted = True
            return
        self._rows.append(row.div_(left))
        self._vectors.append(omega)
        column = products(self.operator(row), self._rows)
        self.products += 1
        self._images = bordered(self._images, products(image, self._rows))
        self._overlaps = bordered(self._overlaps, products(omega, self._rows), products(row, self._vectors[:-1]))
        self._compressed = bordered(self._compressed, column, column[:-1])
        self._forms = torch.cat([self._forms, torch.tensor([inner(omega, image)], dtype=torch.float64)])
        self.exhausted = len(self._rows) == self.operator.dimension

    def __len__(self) -> int:
        """The number of vectors k."""
        return len(self._rows)

    @property
    def value(self) -> float:
        """The estimate, from one vector or more."""
        return torch.trace(self._compressed).item() if self.exhausted else self._estimates()[0].mean().item()

    @property
    def stderr(self) -> float:
        r"""The jackknife error, times :math:`t_{k-1}(0.975)/2`: two of them hold 95 %. Infinite below three vectors."""
        k = len(self._rows)
        if self.exhausted:
            return 0.0
        if k < 3:
            return math.inf
        without = self._estimates()[1].fill_diagonal_(0.0).sum(dim=1) / (k - 1)
        error = ((k - 1) / k * (without - without.mean()).square().sum()).sqrt().item()
        return error * float(student.ppf(0.975, k - 1)) / 2

    def _estimates(self) -> tuple[Tensor, Tensor]:
        r""":math:`t_j`, shape ``(k,)``, and in row i those without :math:`\omega_i`, shape ``(k, k)``, off-diagonal.

        In the basis Q of all images, those other than the j-th span the complement of ``s_j``, the j-th column of
        the transposed inverse of ``images``; those other than the i-th and j-th the complement of ``s_j`` and
        ``e_i``, the part of ``s_i`` orthogonal to it, scaled to length 1.
        """
        k, d = len(self._rows), self.operator.dimension
        compressed = self._compressed
        s = torch.linalg.solve_triangular(self._images, torch.eye(k, dtype=torch.float64), upper=True).mT
        s = s / torch.linalg.vector_norm(s, dim=0)
        inside = self._overlaps - s * (s * self._overlaps).sum(dim=0)  # of omega_j, what the others span: (k, j)
        length = inside.square().sum(dim=0)
        form = self._forms - 2 * (inside * self._images).sum(dim=0) + (inside * (compressed @ inside)).sum(dim=0)
        bent = s.mT @ compressed @ s
        caught = torch.trace(compressed) - bent.diagonal()
        estimates = caught + (d - k + 1) / (d - length) * form

        cosine = s.mT @ s
        sine = (1 - cosine.square()).clamp_min(torch.finfo(torch.float64).eps).sqrt()
        along = s.mT @ inside / sine  # e_i . inside_j; s_j is orthogonal to inside_j
        reached = -cosine * (s * self._images).sum(dim=0) / sine  # e_i . images_j; s_i is orthogonal to images_j
        mixed = s.mT @ (compressed @ inside)
        mixed = (mixed - cosine * mixed.diagonal()) / sine  # e_i . compressed . inside_j
        curved = (bent.diagonal().unsqueeze(1) - 2 * cosine * bent + cosine.square() * bent.diagonal()) / sine.square()
        form = form + 2 * along * reached - 2 * along * mixed + along.square() * curved
        return estimates, caught - curved + (d - k + 2) / (d - length + along.square()) * form


def bordered(matrix: Tensor, column: Tensor, row: Tensor | None = None) -> Tensor:
    """A matrix ``(k, k)`` with one more column, shape ``(k + 1,)``, and below it a row ``(k,)``, by default zeros."""
    bottom = torch.zeros(len(matrix), dtype=matrix.dtype) if row is None else row
    return torch.cat([torch.cat([matrix, bottom.unsqueeze(0)]), column.unsqueeze(1)], dim=1)
