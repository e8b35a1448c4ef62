"""Vectors in an orthonormal frame: tuples of real tensors with the plain dot product."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Coordinates = tuple[Tensor, ...]


def dot(x: Sequence[Tensor], y: Sequence[Tensor]) -> Tensor:
    """The inner product, a 0-dimensional float64 tensor; stays on the device."""
    return torch.stack([torch.sum(a.double() * b.double()) for a, b in zip(x, y, strict=True)]).sum()


def length(x: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm, a 0-dimensional float64 tensor; stays on the device."""
    return dot(x, x).sqrt()


def scaled(x: Sequence[Tensor], factor: float | Tensor) -> Coordinates:
    """``factor * x``."""
    return tuple(a * (factor.to(a) if isinstance(factor, Tensor) else factor) for a in x)


def combined(x: Sequence[Tensor], factor: float | Tensor, y: Sequence[Tensor]) -> Coordinates:
    """``x + factor * y``."""
    return tuple(a + b * (factor.to(a) if isinstance(factor, Tensor) else factor) for a, b in zip(x, y, strict=True))


def within_ball(x: Coordinates, radius: float) -> Coordinates:
    """``x``, scaled back to the sphere of the radius where it lies outside: the metric projection on the ball."""
    return scaled(x, (radius / length(x).clamp_min(torch.finfo(torch.float64).tiny)).clamp_max(1.0))


def gaussian(like: Sequence[Tensor], generator: torch.Generator | None) -> Coordinates:
    """A standard normal vector of the same shapes, drawn on the generator's device and moved."""
    device = generator.device if generator is not None else torch.device("cpu")
    return tuple(torch.randn(a.shape, generator=generator, dtype=a.dtype, device=device).to(a.device) for a in like)


def size(x: Sequence[Tensor]) -> int:
    """The number of coordinates."""
    return sum(math.prod(a.shape) for a in x)
