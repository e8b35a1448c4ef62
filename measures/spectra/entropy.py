"""Rényi entropy from sums over a spectrum."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

#: Orders closer to 1 than this are taken as 1: there 1/(1 - alpha) would amplify rounding above the difference.
SHANNON = 1e-7
#: Eigenvalues below this share of the largest are rounding errors of zeros, which small orders would count.
ROUNDING = 1e-13
#: How near to a jump, relative to it, is beside it, whatever the rounding.
_BESIDE = 1e-9


@dataclass(frozen=True)
class RenyiEntropy:
    r"""The entropy [Renyi1961] of :math:`p_i = |\lambda_i| / \sum_j |\lambda_j|`.

    .. math:: H_\alpha = \frac{1}{1 - \alpha} \log \frac{\sum |\lambda_i|^\alpha}{(\sum |\lambda_i|)^\alpha}, \qquad
              H_1 = \log \sum |\lambda_i| - \frac{\sum |\lambda_i| \log |\lambda_i|}{\sum |\lambda_i|}, \qquad
              H_0 = \log \#\{|\lambda_i| > \tau \max |\lambda|\}, \qquad
              H_\infty = \log \frac{\sum |\lambda_i|}{\max |\lambda|} .

    Example:
        >>> import torch
        >>> entropy = RenyiEntropy(2.0, largest=3.0)
        >>> entropy(entropy.terms(torch.tensor([3.0, -3.0, 0.0])).sum(dim=0)).exp()  # two of equal size
        tensor(2.)

    Args:
        alpha: the order.
        largest: the largest modulus, the unit of eigenvalues: powers of very large or small ones are not numbers.
        threshold: :math:`\tau`, below which an eigenvalue counts as zero at the order 0; exact zeros are not to be
            seen in rounded ones.
    """

    alpha: float
    largest: float
    threshold: float = 0.0

    def terms(self, eigenvalues: Tensor) -> Tensor:
        """The two functions whose sums it depends on, shape ``(..., 2)``."""
        moduli = eigenvalues.abs() / self.largest
        moduli = torch.where(moduli > ROUNDING, moduli, 0.0)
        if self.alpha == 0:
            second = (moduli > self.threshold).to(moduli)
        elif self.alpha == math.inf:
            second = torch.zeros_like(moduli)
        elif self.is_shannon:
            second = torch.xlogy(moduli, moduli)
        else:
            second = moduli.pow(self.alpha)
        return torch.stack([moduli, second], dim=-1)

    def __call__(self, sums: Tensor) -> Tensor:
        """The entropy from the sums of :meth:`terms`, shape ``(2,)``."""
        first, second = sums
        if self.alpha == math.inf:
            return first.log()
        if self.is_shannon:
            return first.log() - second / first
        return (second.log() - self.alpha * first.log()) / (1 - self.alpha)

    @property
    def is_shannon(self) -> bool:
        """Whether the order is 1."""
        return abs(self.alpha - 1) < SHANNON

    @property
    def bends(self) -> tuple[float, ...]:
        """Where the terms are not smooth: 0, or on either side of the jumps."""
        if self.alpha:
            return (0.0,)
        jump = self.threshold * self.largest
        return tuple(sign * jump * side for sign in (-1, 1) for side in (1 - _BESIDE, 1 + _BESIDE))


def require_order(alpha: float) -> None:
    """Raise ``ValueError`` unless ``alpha`` is an order of an entropy."""
    if not alpha >= 0:
        raise ValueError(f"alpha must be 0, positive or infinite, got {alpha}")
