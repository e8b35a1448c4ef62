"""Stacks of tall matrices, ``(copies, n, h)`` with n above h, and their products with small ones.

Their columns lie in memory one after the other, as those of heads do in the weights of most layers: a product with a
small matrix is then as fast as one of large ones, and stacking copies long runs.
"""

import torch
from torch import Tensor

#: Bytes that a processor reads and writes at once: columns that begin there are updated in half the time.
_LINE = 64

#: Entries whose elementwise products stay in a processor's cache, and in memory that it has at hand.
_CACHED = 2**17


def tall(copies: int, n: int, h: int, like: Tensor, *, across: bool = False) -> Tensor:
    """Memory for a stack, not yet set, with the dtype and on the device of ``like``.

    Args:
        copies: of the matrix.
        n: rows.
        h: columns.
        like: any tensor.
        across: whether it is the copies of a single column that lie side by side, as those of a map's inputs do.
    """
    if across:
        return like.new_empty(n, 1, copies).permute(2, 0, 1)
    line = max(1, _LINE // like.element_size())
    return like.new_empty(copies, h, -(-n // line) * line)[..., :n].mT


def tall_like(stack: Tensor) -> Tensor:
    """Memory for another stack, laid out as this one."""
    copies, n, h = stack.shape
    return tall(copies, n, h, stack, across=h == 1 and stack.stride(0) < stack.stride(1))


def times(stack: Tensor, small: Tensor, plus: Tensor | None = None) -> Tensor:
    """``plus + stack small``, with matrices ``small`` of shape ``(copies, h, h)``.

    A single column is multiplied by a number, which batched matrix multiplication takes several times as long for.
    """
    if small.shape[-2:] == (1, 1):
        return stack * small if plus is None else plus.addcmul(stack, small)
    if plus is None:
        return (small.mT @ stack.mT).mT
    return plus.mT.baddbmm(small.mT, stack.mT).mT


def set_times_(target: Tensor, stack: Tensor, small: Tensor) -> None:
    """``target <- stack small``."""
    if small.shape[-2:] == (1, 1):
        torch.mul(stack, small, out=target)
    else:
        torch.bmm(small.mT, stack.mT, out=target.mT)


def add_times_(plus: Tensor, stack: Tensor, small: Tensor) -> None:
    """``plus <- plus + stack small``, in place: no memory is needed, nor is any found anew."""
    if small.shape[-2:] == (1, 1):
        plus.addcmul_(stack, small)
    else:
        plus.mT.baddbmm_(small.mT, stack.mT)


def inner(a: Tensor, b: Tensor) -> Tensor:
    """The small matrices ``a^H b``; single columns some at a time, since their product takes memory like theirs."""
    if not a.shape[-1] == b.shape[-1] == 1:
        return a.mH @ b
    copies = max(1, _CACHED // a.shape[1]) if a.device.type == "cpu" else len(a)
    sums = [(x.conj() * y).sum(1, keepdim=True) for x, y in zip(a.split(copies), b.split(copies), strict=True)]
    return torch.cat(sums)


def without(stack: Tensor, normals: Tensor) -> Tensor:
    """The part of a stack across some directions of its rows, orthonormal vectors ``(n, k)``."""
    return without_(tall_like(stack).copy_(stack), normals) if normals.shape[1] else stack


def without_(stack: Tensor, normals: Tensor) -> Tensor:
    """:func:`without`, in place, for a stack laid out as here."""
    columns = stack.mT.view(-1, stack.shape[1])
    for normal in normals.mT:  # few: a pass for each is faster than products with thin matrices
        columns.addr_(columns @ normal.conj(), normal, alpha=-1)
    return stack
