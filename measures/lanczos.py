"""The Lanczos process, and the Gauss rule that it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class JacobiMatrix:
    r"""The tridiagonal matrix T of a symmetric operator A in the Krylov basis of a unit vector v.

    Its eigenpairs :math:`(\theta_i, s_i)` give the Gauss rule :math:`v^T f(A) v \approx \sum_i s_{1i}^2
    f(\theta_i)`, exact for polynomials of degree below twice the number of steps [GolubMeurant2010]; and
    every interval of radius :math:`\beta_m |s_{mi}|` around a :math:`\theta_i` holds an eigenvalue of A
    [Lanczos1950].

    Args:
        diagonal: shape ``(m,)``, float64 on the CPU.
        offdiagonal: shape ``(m - 1,)``.
        remainder: :math:`\beta_m`, what couples the basis to the rest of the space; 0 when the basis is
            invariant.
    """

    diagonal: Tensor
    offdiagonal: Tensor
    remainder: float

    @property
    def steps(self) -> int:
        """The number of Lanczos steps m."""
        return len(self.diagonal)

    @cached_property
    def _eigenpairs(self) -> tuple[Tensor, Tensor]:
        off = torch.diag(self.offdiagonal, 1)
        return torch.linalg.eigh(torch.diag(self.diagonal) + off + off.mT)

    @property
    def nodes(self) -> Tensor:
        """The Ritz values, ascending, shape ``(m,)``."""
        return self._eigenpairs[0]

    @property
    def weights(self) -> Tensor:
        """The weights of the Gauss rule, positive and of sum 1, shape ``(m,)``."""
        return self._eigenpairs[1][0].square()

    @property
    def residuals(self) -> Tensor:
        """How far each Ritz value is, at most, from an eigenvalue, shape ``(m,)``."""
        return self.remainder * self._eigenpairs[1][-1].abs()

    def truncated(self, steps: int) -> "JacobiMatrix":
        """What fewer Lanczos steps would have given."""
        if steps >= self.steps:
            return self
        return JacobiMatrix(self.diagonal[:steps], self.offdiagonal[: steps - 1], self.offdiagonal[steps - 1].item())


def lanczos(product: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> JacobiMatrix:
    r"""The Lanczos process [Lanczos1950], reorthogonalized twice against the whole basis at every step.

    It ends early where the Krylov space of ``start`` is exhausted. The basis takes ``steps`` times the memory
    of ``start``.

    Example:
        >>> import torch
        >>> matrix = torch.diag(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
        >>> lanczos(lambda v: matrix @ v, torch.ones(3, dtype=torch.float64), 10).nodes
        tensor([1.0000, 2.0000, 3.0000], dtype=torch.float64)

    Args:
        product: a symmetric operator.
        start: a vector that is not zero, shape ``(n,)``.
        steps: at most this many products.
    """
    basis = start.new_empty(min(steps, len(start)), len(start))
    basis[0] = start / torch.linalg.vector_norm(start)
    diagonal: list[float] = []
    offdiagonal: list[float] = []
    for j in range(len(basis)):
        w = product(basis[j])
        diagonal.append(torch.sum(w.double() * basis[j].double()).item())
        for _ in range(2):
            w = w - basis[: j + 1].mT @ (basis[: j + 1] @ w)
        beta = torch.linalg.vector_norm(w, dtype=torch.float64).item()
        # Below the rounding error of a product, w is noise: the basis spans an invariant space.
        scale = max(map(abs, [*diagonal, *offdiagonal, beta]))
        if beta <= len(basis) * torch.finfo(start.dtype).eps * scale:
            beta = 0.0
            break
        if j + 1 < len(basis):
            basis[j + 1] = w / beta
            offdiagonal.append(beta)
    return JacobiMatrix(
        torch.tensor(diagonal, dtype=torch.float64), torch.tensor(offdiagonal, dtype=torch.float64), remainder=beta
    )
