"""Products of stacks of tall matrices, ``(copies, n, h)`` with n above h, with small ones."""

from torch import Tensor


def times(tall: Tensor, small: Tensor, plus: Tensor | None = None) -> Tensor:
    """``plus + tall small``, with matrices ``small`` of shape ``(copies, h, h)``.

    A single column is multiplied by a number, which batched matrix multiplication takes several times as long for.
    """
    if small.shape[-2:] == (1, 1):
        return tall * small if plus is None else plus.addcmul(tall, small)
    return tall @ small if plus is None else plus.baddbmm(tall, small)
