"""The Lanczos process, and the Gauss rule that it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..operators.orthogonalization import inner, lengths, orthogonalize_


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


def lanczos(product: Callable[[Tensor], Tensor], start: Tensor, steps: int, *, rows: int | None = None) -> JacobiMatrix:
    r"""The Lanczos process [Lanczos1950], each vector made orthogonal to those before it.

    It ends early where the Krylov space of ``start`` is exhausted. The basis takes ``steps`` times the memory
    of ``start``, or ``rows`` times: then vectors are made orthogonal to the newest ones alone, and eigenvalues that
    have converged come back as copies. The Gauss rule does not mind: they share the weight of the one [Greenbaum1989].

    Example:
        >>> import torch
        >>> matrix = torch.diag(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
        >>> lanczos(lambda v: matrix @ v, torch.ones(3, dtype=torch.float64), 10).nodes
        tensor([1.0000, 2.0000, 3.0000], dtype=torch.float64)

    Args:
        product: a symmetric operator.
        start: a vector that is not zero, shape ``(n,)``.
        steps: at most this many products.
        rows: how many vectors to hold, at least 2; by default all.

    Raises:
        ValueError: fewer than two rows.
    """
    if rows is not None and rows < 2:
        raise ValueError(f"the recurrence needs rows >= 2, got {rows}")
    steps = min(steps, len(start))
    held = steps if rows is None else min(rows, steps)
    basis = start.new_empty(held, len(start))
    torch.div(start, lengths(start).item(), out=basis[0])
    diagonal: list[float] = []
    offdiagonal: list[float] = []
    for j in range(steps):
        newest = basis[j % held]
        image = product(newest)
        alpha = inner(image, newest)
        diagonal.append(alpha)
        image = torch.sub(image, newest, alpha=alpha)
        if j:
            image.sub_(basis[(j - 1) % held], alpha=offdiagonal[-1])
        beta = orthogonalize_(image, basis[: j + 1])[1].item()
        # Below the rounding error of a product, the image is noise: the basis spans an invariant space.
        scale = max(map(abs, [*diagonal, *offdiagonal, beta]))
        if beta <= steps * torch.finfo(start.dtype).eps * scale:
            beta = 0.0
            break
        if j + 1 < steps:
            torch.div(image, beta, out=basis[(j + 1) % held])
            offdiagonal.append(beta)
    return JacobiMatrix(
        torch.tensor(diagonal, dtype=torch.float64), torch.tensor(offdiagonal, dtype=torch.float64), remainder=beta
    )
