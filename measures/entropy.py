"""Rényi entropy from sums over a spectrum."""

import torch
from torch import Tensor

#: Orders closer to 1 than this are taken as 1: there 1/(1 - alpha) would amplify rounding above the difference.
SHANNON = 1e-7


def power_term(moduli: Tensor, alpha: float) -> Tensor:
    r""":math:`|\lambda|^\alpha`, and :math:`|\lambda| \log |\lambda|` for the order 1."""
    return torch.xlogy(moduli, moduli) if abs(alpha - 1) < SHANNON else moduli.pow(alpha)


def renyi_entropy(sums: Tensor, alpha: float) -> Tensor:
    r"""The entropy [Renyi1961] of :math:`|\lambda_i| / \sum |\lambda|` from sums over the spectrum.

    .. math:: H_\alpha = \frac{1}{1 - \alpha} \log \frac{\sum |\lambda_i|^\alpha}{(\sum |\lambda_i|)^\alpha}, \qquad
              H_1 = \log \sum |\lambda_i| - \frac{\sum |\lambda_i| \log |\lambda_i|}{\sum |\lambda_i|}.

    Args:
        sums: for every probe, the sum of moduli and that of :func:`power_term`, shape ``(probes, 2)``.
        alpha: the order.
    """
    first, second = sums.mean(dim=0)
    if abs(alpha - 1) < SHANNON:
        return first.log() - second / first
    return (second.log() - alpha * first.log()) / (1 - alpha)
