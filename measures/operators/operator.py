"""Symmetric operators: what Krylov methods and stochastic estimators work on."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class AbstractOperator(ABC):
    r"""A symmetric linear map of a d-dimensional space, in orthonormal coordinates of :math:`R^n, n \ge d`.

    The space is that of :meth:`project`: horizontal vectors, when the operator is a Riemannian Hessian. Vectors are
    flat, so that a Krylov basis is one matrix.

    Law: ``operator(x) @ y == x @ operator(y)`` and ``project(operator(x)) == operator(x)`` for x, y of the space.

    Attributes:
        size: n, the length of a vector.
        dimension: d.
        dtype: of vectors.
        device: of vectors.
    """

    size: int
    dimension: int
    dtype: torch.dtype
    device: torch.device

    @abstractmethod
    def __call__(self, vector: Tensor) -> Tensor:
        """The product with a vector of the space, shape ``(n,)``: detached, and in the space."""

    @abstractmethod
    def project(self, vector: Tensor) -> Tensor:
        """The orthogonal projection of any vector on the space, shape ``(n,)``."""

    @abstractmethod
    def random(self, generator: torch.Generator | None = None) -> Tensor:
        """A standard normal vector of the space, shape ``(n,)``."""

    def block(self, vectors: Tensor) -> Tensor:
        """The products with several vectors, the rows of a matrix ``(k, n)``."""
        return torch.stack([self(vector) for vector in vectors])


class MatrixOperator(AbstractOperator):
    """A symmetric matrix, on the whole of :math:`R^n`.

    Example:
        >>> import torch
        >>> operator = MatrixOperator(torch.diag(torch.tensor([1.0, 2.0])))
        >>> operator(torch.ones(2))
        tensor([1., 2.])

    Args:
        matrix: shape ``(n, n)``.

    Raises:
        ValueError: a matrix that is not square, or not symmetric to rounding.
    """

    def __init__(self, matrix: Tensor) -> None:
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"expected a square matrix, got shape {tuple(matrix.shape)}")
        rounding = matrix.shape[0] * torch.finfo(matrix.dtype).eps * matrix.abs().max()
        if bool((matrix - matrix.mT).abs().max() > rounding):
            raise ValueError("expected a symmetric matrix; take (A + A.mT) / 2 where rounding is all that differs")
        self.matrix = matrix
        self.size = self.dimension = len(matrix)
        self.dtype, self.device = matrix.dtype, matrix.device

    def __call__(self, vector: Tensor) -> Tensor:
        """``A v``."""
        return self.matrix @ vector

    def project(self, vector: Tensor) -> Tensor:
        """The vector itself."""
        return vector

    def random(self, generator: torch.Generator | None = None) -> Tensor:
        """Drawn on the generator's device, and moved."""
        device = generator.device if generator is not None else torch.device("cpu")
        return torch.randn(self.size, generator=generator, dtype=self.dtype, device=device).to(self.device)
