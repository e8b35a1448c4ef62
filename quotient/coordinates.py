"""Vectors in an orthonormal frame: tuples of real tensors with the plain dot product.

The tensors may be sharded over processes, a ``DTensor``. Sums over them are whole: every process sees one number.
"""

import math
import operator
from collections.abc import Iterable, Sequence
from itertools import accumulate

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from symmetries import laid_out, stacks, whole

from .tall import LINE

Coordinates = tuple[Tensor, ...]

#: Entries that are summed up at once, at least.
_ROW = 64

#: Of norms within, float32 has the squares of all entries that count: no millions of those it rounds to zero do.
_SQUARES = (1e-8, 1e18)


def flattened(x: Sequence[Tensor]) -> Tensor:
    """The coordinates as one vector, whole on every process; shares memory only where there is a single tensor."""
    pieces = [whole(a).reshape(-1) for a in x]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def unflattened(vector: Tensor, like: Sequence[Tensor]) -> Coordinates:
    """The inverse of :func:`flattened`: pieces of the vector, in the shapes, dtypes and shards of ``like``."""
    pieces = vector.split([a.numel() for a in like])
    return tuple(laid_out(piece.view(a.shape).to(a.dtype), a) for piece, a in zip(pieces, like, strict=True))


def dot(x: Sequence[Tensor], y: Sequence[Tensor]) -> Tensor:
    """The inner product, a 0-dimensional float64 tensor; stays on the device."""
    return whole(torch.stack([torch.sum(a.double() * b.double()) for a, b in zip(x, y, strict=True)]).sum())


def length(x: Iterable[Tensor]) -> Tensor:
    """The Euclidean norm, a 0-dimensional float64 tensor; stays on the device."""
    return whole(torch.linalg.vector_norm(torch.stack([_norm(a) for a in x])))


def _norm(a: Tensor) -> Tensor:
    """In float64. On a CPU entries side by side are summed up in float32: many times as fast, and few enough."""
    if a.dtype == torch.float32 and a.device.type == "cpu" and not isinstance(a, DTensor) and (row := _row(a)):
        norm = torch.linalg.vector_norm(torch.linalg.vector_norm(a, dim=row), dtype=torch.float64)
        if _SQUARES[0] < float(norm) < _SQUARES[1]:
            return norm
    return torch.linalg.vector_norm(a, dtype=torch.float64)


def _row(a: Tensor) -> tuple[int, ...]:
    """The axes along which entries lie side by side, some dozens at least; none where there is no other axis."""
    axes = sorted((axis for axis in range(a.ndim) if a.shape[axis] > 1), key=a.stride)
    counts = accumulate((a.shape[axis] for axis in axes), operator.mul)
    long = sum(count < _ROW for count in counts) + 1
    return tuple(axes[:long]) if long < len(axes) else ()


def copied(x: Sequence[Tensor]) -> Coordinates:
    """The same in memory of its own, in one piece: many tensors that stay while others go leave gaps between them."""
    if len({(type(a), a.dtype, a.device) for a in x}) != 1 or isinstance(x[0], DTensor):
        return tuple(a.clone() for a in x)
    line = LINE // x[0].element_size()
    sizes = [-(-a.numel() // line) * line for a in x]
    pieces = zip(x[0].new_empty(sum(sizes)).split(sizes), x, strict=True)
    return tuple(p.as_strided(a.shape, torch.empty_like(a, device="meta").stride()).copy_(a) for p, a in pieces)


def scaled(x: Sequence[Tensor], factor: float | Tensor) -> Coordinates:
    """``factor * x``."""
    return tuple(a * (factor.to(a) if isinstance(factor, Tensor) else factor) for a in x)


def scale_(x: Sequence[Tensor], factor: float | Tensor) -> None:
    """``x <- factor * x``, in place."""
    if isinstance(factor, Tensor) and factor.device.type == "cpu" and float(factor) == 1.0:
        return
    for a in x:
        a.mul_(factor.to(a) if isinstance(factor, Tensor) else factor)


def length_of_sum(x: Sequence[Tensor], factor: float | Tensor, y: Sequence[Tensor]) -> Tensor:
    """The length of ``x + factor * y``, some rows after the other, so that it needs no memory."""
    pieces = (_in_pieces(*both) for both in zip(x, y, strict=True))
    return length(torch.addcmul(a, b, _number(factor, a)) for both in pieces for a, b in both)


def mix_(x: Sequence[Tensor], factor: float, terms: Sequence[tuple[float | Tensor, Sequence[Tensor]]]) -> Tensor:
    """``x <- factor * x + a * y + b * z + ...`` in place, for ``(a, y), (b, z), ...``; returns the length."""

    def mixed(piece: Tensor, *others: Tensor) -> Tensor:
        piece.mul_(factor)
        for (number, _), other in zip(terms, others, strict=True):
            piece.addcmul_(other, _number(number, piece))
        return piece

    together = zip(x, *(y for _, y in terms), strict=True)
    return length(mixed(*pieces) for tensors in together for pieces in _in_pieces(*tensors))


def _number(factor: float | Tensor, like: Tensor) -> Tensor:
    return factor.to(like) if isinstance(factor, Tensor) else like.new_full((), factor)


def _in_pieces(first: Tensor, *others: Tensor) -> Iterable[tuple[Tensor, ...]]:
    """Views that a processor can hold, in one piece of memory if the first is; not where it is sharded, or on a GPU."""
    if first.ndim == 0 or first.device.type != "cpu" or isinstance(first, DTensor):
        return ((first, *others),)
    axis = max(range(first.ndim), key=first.stride)
    few = max(1, stacks.CACHED * first.shape[axis] // max(1, first.numel()))
    return zip(*(a.split(few, axis) for a in (first, *others)), strict=True)


def combined(x: Sequence[Tensor], factor: float | Tensor, y: Sequence[Tensor]) -> Coordinates:
    """``x + factor * y``."""
    if isinstance(factor, Tensor):
        return tuple(torch.addcmul(a, b, factor.to(a)) for a, b in zip(x, y, strict=True))
    return tuple(torch.add(a, b, alpha=factor) for a, b in zip(x, y, strict=True))


def selected(condition: Tensor, x: Coordinates, y: Coordinates) -> Coordinates:
    """``x`` if a 0-dimensional condition holds, otherwise ``y``; on a device that is not waited for, as a copy."""
    if condition.device.type == "cpu":
        return x if bool(condition) else y
    return tuple(torch.where(condition, a, b) for a, b in zip(x, y, strict=True))


def select_(x: Coordinates, condition: Tensor, y: Coordinates) -> None:
    """``x <- y`` if a 0-dimensional condition holds, in place; a device is not waited for."""
    if condition.device.type == "cpu" and not bool(condition):
        return
    for a, b in zip(x, y, strict=True):
        a.copy_(b if condition.device.type == "cpu" else torch.where(condition, b, a))


def within_ball(x: Coordinates, radius: float) -> Coordinates:
    """``x``, scaled back to the sphere of the radius where it lies outside: the metric projection on the ball."""
    return scaled(x, shrinkage(length(x), radius))


def shrinkage(distance: Tensor, radius: float) -> Tensor:
    """What brings a point at this distance back to the sphere of the radius if it lies outside, and 1 inside."""
    return (radius / distance.clamp_min(torch.finfo(distance.dtype).tiny)).clamp_max(1.0)


def gaussian(like: Sequence[Tensor], generator: torch.Generator | None) -> Coordinates:
    """A standard normal vector of the same shapes, drawn whole on the generator's device and moved."""
    device = generator.device if generator is not None else torch.device("cpu")
    draws = (torch.randn(a.shape, generator=generator, dtype=a.dtype, device=device).to(a.device) for a in like)
    return tuple(laid_out(draw, a) for draw, a in zip(draws, like, strict=True))


def size(x: Sequence[Tensor]) -> int:
    """The number of coordinates."""
    return sum(math.prod(a.shape) for a in x)
