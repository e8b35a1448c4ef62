"""Stacks of tall matrices, shape ``(copies, n, h)``: products with small ones, and what is read off their columns.

Columns lie in memory one after the other, as those of heads do in the weights of most layers: products are written so
that they are then as fast as those of large matrices. Single columns are multiplied by numbers, which batched products
of matrices take several times as long for.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

#: Entries that are worked on at a time: the caches of a processor hold them, and no new memory is needed.
CACHED = 2**18


def times(stack: Tensor, small: Tensor, plus: Tensor | None = None) -> Tensor:
    """``plus + stack small``, with small matrices of shape ``(copies, h, h)``."""
    if small.shape[-1] == 1:
        return stack * small if plus is None else plus.addcmul(stack, small)
    if plus is None:
        return (small.mT @ stack.mT).mT
    return plus.mT.baddbmm(small.mT, stack.mT).mT


def set_times_(target: Tensor, stack: Tensor, small: Tensor) -> None:
    """``target <- stack small``, in memory apart from the stack's."""
    if small.shape[-1] == 1:
        torch.mul(stack, small, out=target)
    else:
        torch.bmm(small.mT, stack.mT, out=target.mT)


def add_times_(plus: Tensor, stack: Tensor, small: Tensor) -> None:
    """``plus <- plus + stack small``, in place: no memory is needed, nor is any found anew."""
    if small.shape[-1] == 1:
        plus.addcmul_(stack, small)
    else:
        plus.mT.baddbmm_(small.mT, stack.mT)


def inner(a: Tensor, b: Tensor) -> Tensor:
    """The small matrices ``a^H b``; of single columns some at a time, since their product takes memory like theirs."""
    if not a.shape[-1] == b.shape[-1] == 1:
        return a.mH @ b
    few = _few(a) if a.device.type == "cpu" else max(1, len(a))
    return torch.cat([(x.conj() * y).sum(1, keepdim=True) for x, y in zip(a.split(few), b.split(few), strict=True)])


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
    return max(1, CACHED * len(stack) // max(1, stack.numel()))


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
