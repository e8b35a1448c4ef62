"""An operator on the complement of some directions."""

from collections.abc import Sequence

import torch
from torch import Tensor

from quotient import dot

from ..spectra.orthogonalization import orthogonalize_
from .operator import AbstractOperator


class DeflatedOperator(AbstractOperator):
    r"""The compression :math:`P A P, P = I - Q^T Q`, of an operator to the complement of orthonormal rows Q.

    With eigenvectors in Q, what remains are the other eigenpairs. For any Q at all

    .. math:: \mathrm{tr}\, A = \mathrm{tr}\, Q A Q^T + \mathrm{tr}\, P A P .

    Example:
        >>> import torch
        >>> from measures import MatrixOperator
        >>> operator = MatrixOperator(torch.diag(torch.tensor([100.0, 2.0, 1.0])))
        >>> rest = DeflatedOperator(operator, torch.tensor([[1.0, 0.0, 0.0]]))
        >>> rest.dimension, rest(rest.project(torch.ones(3)))
        (2, tensor([0., 2., 1.]))

    Args:
        operator: A, of dimension d.
        basis: Q, orthonormal vectors of the space of A: a matrix ``(k, n)``, or its rows.
    """

    def __init__(self, operator: AbstractOperator, basis: Tensor | Sequence[Tensor]) -> None:
        self.operator, self.basis = operator, basis
        self.size, self.dimension = operator.size, operator.dimension - len(self.basis)
        self.dtype, self.device = operator.dtype, operator.device

    def __call__(self, vector: Tensor) -> Tensor:
        """One product with A."""
        return orthogonalized(self.operator(vector), self.basis)

    def project(self, vector: Tensor) -> Tensor:
        """On the space of A, then on the complement."""
        return orthogonalized(self.operator.project(vector), self.basis)

    def random(self, generator: torch.Generator | None = None) -> Tensor:
        """The projection of a standard normal vector of A's space."""
        return orthogonalized(self.operator.random(generator), self.basis)

    def block(self, vectors: Tensor) -> Tensor:
        """One block product with A."""
        return torch.stack([orthogonalized(row, self.basis) for row in self.operator.block(vectors)])


def orthogonalized(vector: Tensor, basis: Tensor | Sequence[Tensor]) -> Tensor:
    """The part of a vector orthogonal to orthonormal ones, to rounding: twice, where little is left of it.

    The vectors need not be the rows of one matrix: what grows one by one is never copied.
    """
    part = vector.clone()
    if isinstance(basis, Tensor):
        orthogonalize_(part, basis)
        return part
    for row in (*basis, *basis):
        part.addcmul_(row, torch.dot(row, part), value=-1.0)
    return part


def negligible(square: float, image: Tensor) -> bool:
    """Whether a squared length is below the rounding error of the vector that it is a part of."""
    return square <= image.numel() * torch.finfo(image.dtype).eps ** 2 * dot((image,), (image,)).item()
