"""What may be done to logits before a loss."""

import torch
from torch import Tensor


def normalized_logits(logits: Tensor, *, floor: float = 1e-10) -> Tensor:
    r"""Logits less their mean over classes, divided by their norm: :math:`(z - \bar z) / \|z - \bar z\|_2`.

    Takes the shift and the scale of the last layer out of a loss. The option of [Andriushchenko2023], with
    its floor on the norm.

    Example:
        >>> import torch
        >>> normalized_logits(torch.tensor([1.0, 7.0, 1.0, 7.0]))
        tensor([-0.5,  0.5, -0.5,  0.5])

    Args:
        logits: shape ``(..., classes)``.
        floor: what a smaller norm is replaced by.
    """
    centred = logits - logits.mean(dim=-1, keepdim=True)
    return centred / torch.linalg.vector_norm(centred, dim=-1, keepdim=True).clamp_min(floor)
