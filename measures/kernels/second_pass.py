"""The second backward pass: what it is asked for, and how it adds up.

A kernel of several inputs gives out, beside its result, what its first backward pass will multiply by: its own inputs.
Through these outputs the second pass comes back to the node of the kernel with the first term of every sum, and the
kernel adds the other by a multiplication that sums onto what is there. To autograd nothing of this is special.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

Parts = tuple[Tensor | None, ...]
"""What a backward pass gives to every input; None for nothing."""


def wanted(x: Tensor) -> bool:
    """Whether the backward pass that is going on goes through the node that made x; true for leaves.

    A function written in Python is not told which of its derivatives are asked for, unlike those of the library, and
    would compute them all.
    """
    return x.grad_fn is None or torch._C._will_engine_execute_node(x.grad_fn)


def summed(onto: Tensor | None, left: Tensor, right: Tensor, scale: float = 1.0) -> Tensor:
    """``onto + scale * left @ right`` for matrices, or stacks of them.

    In place: what was made for this sum, as the second pass brings it back, is held by nobody else.
    """
    if onto is None:
        return left @ right if scale == 1.0 else (left @ right).mul_(scale)
    return onto.addmm_(left, right, alpha=scale) if onto.dim() == 2 else onto.baddbmm_(left, right, alpha=scale)


def added(parts: Sequence[Tensor | None], others: Sequence[Tensor | None]) -> Parts:
    """Sums of two terms, either of which may be missing."""
    return tuple(a if b is None else b if a is None else a + b for a, b in zip(parts, others, strict=True))
