"""Memory for stacks of tall matrices, ``(copies, n, h)`` with n above h: columns one after the other, as in weights."""

from torch import Tensor

#: Bytes that a processor reads and writes at once: columns that begin there are updated in half the time.
LINE = 64


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
    line = max(1, LINE // like.element_size())
    return like.new_empty(copies, h, -(-n // line) * line)[..., :n].mT


def tall_like(stack: Tensor) -> Tensor:
    """Memory for another stack, laid out as this one."""
    copies, n, h = stack.shape
    return tall(copies, n, h, stack, across=h == 1 and stack.stride(0) < stack.stride(1))


def without(stack: Tensor, normals: Tensor) -> Tensor:
    """The part of a stack across some directions of its rows, orthonormal vectors ``(n, k)``."""
    return without_(tall_like(stack).copy_(stack), normals) if normals.shape[1] else stack


def without_(stack: Tensor, normals: Tensor) -> Tensor:
    """:func:`without`, in place, for a stack laid out as here."""
    columns = stack.mT.view(-1, stack.shape[1])
    for normal in normals.mT:  # few: a pass for each is faster than products with thin matrices
        columns.addr_(columns @ normal.conj(), normal, alpha=-1)
    return stack
