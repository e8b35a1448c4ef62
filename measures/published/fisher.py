"""The empirical Fisher matrix: its whole spectrum, from one gradient of every example."""

from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from quotient import AbstractGeometry, Euclidean, flattened
from symmetries import Params

from ..arguments import require_directions, require_positive
from ..loss import EmpiricalLoss
from ..spectra.entropy import RenyiEntropy, require_order
from .examples import ExampleGradients


@dataclass(frozen=True)
class FisherSpectrum:
    """The eigenvalues of a positive semidefinite matrix of low rank; nothing is estimated.

    Args:
        eigenvalues: those that may differ from zero, descending, float64; 0 where there is rounding alone.
        dimension: the size of the matrix.
    """

    eigenvalues: Tensor
    dimension: int

    @property
    def trace(self) -> float:
        """The sum of all eigenvalues."""
        return self.eigenvalues.sum().item()

    @property
    def largest(self) -> float:
        """The largest eigenvalue."""
        return self.eigenvalues[0].item()

    def renyi(self, alpha: float) -> float:
        r"""Rényi sharpness :math:`-H_\alpha` of the spectrum; see :func:`measures.renyi_sharpness`.

        Raises:
            ValueError: a negative order, or a matrix that is zero.
        """
        require_order(alpha)
        if not self.trace > 0:
            raise ValueError("every gradient is zero: the spectrum has no distribution")
        entropy = RenyiEntropy(alpha, self.largest)
        return -entropy(entropy.terms(self.eigenvalues).sum(dim=0)).item()


def fisher_spectrum(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry = Euclidean(),
    *,
    block: int | None = None,
    progress: bool = False,
) -> FisherSpectrum:
    r"""The spectrum of the empirical Fisher matrix on the horizontal space.

    .. math:: F = \sum_i w_i\, P E^T \nabla \ell_i\, \nabla \ell_i^T E P, \qquad L = \sum_i w_i \ell_i,

    the second moment of the gradients of single examples, in an orthonormal frame E of the metric. Its n
    eigenvalues that may differ from zero are those of the Gram matrix :math:`\sqrt{w_i w_j} \langle \nabla
    \ell_i, \nabla \ell_j \rangle`, so that all of them are exact, for the price of n gradients: less than a
    few Lanczos runs on the Hessian. Labels are those of the data. F is not the Fisher matrix of the model,
    nor a part of the Hessian [Kunstner2019]; it vanishes where every example has its minimum.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: f(x).mean(), [torch.tensor([[3.0, 0.0], [0.0, 1.0]])])
        >>> fisher_spectrum(loss, {"weight": torch.ones(1, 2)}).eigenvalues
        tensor([4.5000, 0.5000], dtype=torch.float64)

    Args:
        loss: L; see :func:`measures.published.examples.examples` for what an example is.
        params: the point.
        geometry: what is orthonormal, and horizontal.
        block: how many gradients to hold in memory; with fewer than n, they are computed about :math:`n / 2
            \text{block}` times. By default all are held.
        progress: show a bar over the gradients.

    Raises:
        ValueError: batches that cannot be split into examples, a block below 1, a geometry without horizontal
            directions, or a loss that is not finite.
    """
    if block is not None:
        require_positive(block=block)
    gradients = ExampleGradients.of(loss, params, geometry)
    require_directions(gradients.chart.dimension)
    gram = gram_matrix(gradients, block or len(gradients), progress=progress)
    eigenvalues = torch.linalg.eigvalsh(gram).flip(0)[: gradients.chart.dimension]
    rounding = len(gram) * torch.finfo(gram.dtype).eps * eigenvalues[0]
    return FisherSpectrum(torch.where(eigenvalues > rounding, eigenvalues, 0.0), gradients.chart.dimension)


def gram_matrix(gradients: ExampleGradients, block: int, *, progress: bool = False) -> Tensor:
    """All inner products, shape ``(n, n)``, float64, with ``block`` gradients in memory at a time."""
    count = len(gradients)
    gram = torch.zeros(count, count, dtype=torch.float64)
    starts = range(0, count, block)
    with tqdm(total=sum(count - start for start in starts), desc="Fisher", disable=not progress) as bar:

        def vector(index: int) -> Tensor:
            bar.update()
            return flattened(gradients[index]).double()

        for start in starts:
            end = min(start + block, count)
            held = torch.stack([vector(i) for i in range(start, end)])
            gram[start:end, start:end] = held @ held.mT
            for j in range(end, count):
                gram[j, start:end] = gram[start:end, j] = held @ vector(j)
    return gram
