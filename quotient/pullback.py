"""Covectors at the end of a map, brought back to its start."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from symmetries import Covector

from .coordinates import Coordinates

Pullback = Callable[[Covector], Coordinates]
"""The transpose of the differential of an exponential map at some x; for a single call."""


def pulled_back(outputs: Sequence[Tensor], inputs: Sequence[Tensor], covectors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The gradient in the inputs of the pairing of outputs and covectors; zero where no output depends on them."""
    moving = [(y, c) for y, c in zip(outputs, covectors, strict=True) if y.requires_grad]
    if not moving:
        return tuple(torch.zeros_like(x) for x in inputs)
    reached, weights = zip(*moving, strict=True)
    return torch.autograd.grad(reached, inputs, weights, allow_unused=True, materialize_grads=True)
