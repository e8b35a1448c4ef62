"""Stacks of matrices, shape ``(copies, n, h)``: products with small ones, and what is read off their columns."""

import torch
from torch import Tensor


def times(stack: Tensor, small: Tensor) -> Tensor:
    """Matrices ``(copies, n, h)`` times small ones ``(copies, h, h)``; single columns, much faster, times numbers."""
    return stack * small if small.shape[-1] == 1 else (small.mT @ stack.mT).mT


def inner(a: Tensor, b: Tensor) -> Tensor:
    """The small matrices ``a^H b``, shape ``(copies, h, h)``."""
    return (a.conj() * b).sum(1, keepdim=True) if a.shape[-1] == b.shape[-1] == 1 else a.mH @ b


def column_sums(stack: Tensor) -> Tensor:
    """The sum of every column, shape ``(copies, h)``, float64, taken in single precision at least.

    A cascade, whose rounding grows as the logarithm of the number of rows; a double copy would take far more time.
    """
    return stack.sum(1, dtype=torch.promote_types(stack.dtype, torch.float32)).double()


def column_phases(stack: Tensor) -> Tensor:
    """The sign, or phase, of the largest entry of every column, shape ``(copies, h)``; of the first such entry."""
    if not stack.is_complex():
        extremes = stack.amax(1) + stack.amin(1)  # several times faster than to look for the place
        if bool(extremes.all()):
            return extremes.sgn()
    largest = stack.gather(1, stack.abs().argmax(dim=1, keepdim=True)).squeeze(1)
    return torch.sgn(largest)
