"""An operator on the complement of some directions."""

import torch
from torch import Tensor

from .operator import AbstractOperator
from .orthogonalization import Rows, orthogonalized


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

    def __init__(self, operator: AbstractOperator, basis: Rows) -> None:
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
        return orthogonalized(self.operator.block(vectors), self.basis)
