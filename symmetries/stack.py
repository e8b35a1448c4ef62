"""Stacks of matrices, shape ``(copies, n, h)``: products with small ones, and what is read off their columns."""

from collections.abc import Iterator

import torch
from torch import Tensor

#: Entries that are worked on at a time: the caches of a processor hold them, and no new memory is needed.
_PIECE = 2**18


def times(stack: Tensor, small: Tensor) -> Tensor:
    """Matrices ``(copies, n, h)`` times small ones ``(copies, h, h)``; single columns, much faster, times numbers."""
    return stack * small if small.shape[-1] == 1 else (small.mT @ stack.mT).mT


def inner(a: Tensor, b: Tensor) -> Tensor:
    """The small matrices ``a^H b``, shape ``(copies, h, h)``."""
    return (a.conj() * b).sum(1, keepdim=True) if a.shape[-1] == b.shape[-1] == 1 else a.mH @ b


def products(stack: Tensor, small: Tensor) -> Iterator[Tensor]:
    """:func:`times` in double precision, a few copies at a time."""
    return map(times, _pieces(stack), small.split(_few(stack)))


def set_products_(target: Tensor, stack: Tensor, small: Tensor) -> None:
    """``target <- stack small``, rounded once; the target may be the stack."""
    for piece, product in zip(target.split(_few(stack)), products(stack, small), strict=True):
        piece.copy_(product)


def gram(stack: Tensor, small: Tensor | None = None) -> Tensor:
    """The Gram matrices of a stack, or of its products with small matrices, in double precision."""
    pieces = _pieces(stack) if small is None else products(stack, small)
    return torch.cat([inner(piece, piece) for piece in pieces])


def _pieces(stack: Tensor) -> Iterator[Tensor]:
    """A few copies at a time in double precision; columns that lie in one piece of memory do so there too."""
    double = torch.promote_types(stack.dtype, torch.float64)
    return (piece.mT.to(double).mT for piece in stack.split(_few(stack)))


def _few(stack: Tensor) -> int:
    return max(1, _PIECE * len(stack) // max(1, stack.numel()))


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
