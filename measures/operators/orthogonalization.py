"""Inner products of long vectors, and what is orthogonal by them."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

#: Vectors as a matrix ``(k, n)``, or one by one: what grows is never copied.
Rows = Tensor | Sequence[Tensor]

#: Entries whose products are added up in the precision of the vectors; the sums of pieces are added in double. Added up
#: at once in single precision, the products of 2e7 entries were off by a thousandth of the lengths, and eigenvalues by
#: a ten thousandth; in pieces of this many by 1e-7. A piece of every row also fits a cache.
_PIECE = 2**16

#: Of lengths within, single precision has the squares of all entries that count.
_SQUARES = (1e-8, 1e18)

#: A vector that loses more of its length than this is made orthogonal once more: what is left carries the rounding
#: error of what was taken off [Daniel1976].
_KEPT_LENGTH = 0.7


def orthogonalize_(vectors: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
    """Take the parts along orthonormal rows off, in place, a second time where little is left.

    A random vector loses next to nothing to a few rows of a large space, so that one pass is enough for it. Several
    vectors at once take little more time than one: the rows are read once for all.

    Args:
        vectors: one, shape ``(n,)``, or several, shape ``(m, n)``.
        rows: orthonormal, k of length n.

    Returns:
        The coefficients of what was taken off, shape ``(k,)`` or ``(m, k)``, and the lengths of what is left, shape
        ``()`` or ``(m,)``; float64 on the CPU.
    """
    along = subtract_(vectors, rows)
    left = lengths(vectors)
    before = (left.square() + along.square().sum(dim=-1)).sqrt()
    if bool((left <= _KEPT_LENGTH * before).any()):
        along += subtract_(vectors, rows)
        left = lengths(vectors)
    return along, left


def orthogonalized(vectors: Tensor, rows: Rows) -> Tensor:
    """The parts orthogonal to orthonormal rows, to rounding; see :func:`orthogonalize_`."""
    part = vectors.clone()
    orthogonalize_(part, rows)
    return part


def subtract_(vectors: Tensor, rows: Rows) -> Tensor:
    """One pass of :func:`orthogonalize_`."""
    along = products(vectors, rows)
    factors = along.to(vectors)
    for piece, across in _pieces(vectors, rows):
        piece.sub_(factors @ across)
    return along


def products(vectors: Tensor, rows: Rows) -> Tensor:
    """The inner products with every row, shape ``(k,)`` or ``(m, k)``, float64 on the CPU."""
    parts = [piece @ across.mT for piece, across in _pieces(vectors, rows)]
    return torch.stack(parts).sum(dim=0, dtype=torch.float64).cpu()


def inner(x: Tensor, y: Tensor) -> float:
    """The inner product of two vectors."""
    pieces = zip(x.split(_PIECE), y.split(_PIECE), strict=True)
    return float(torch.stack([torch.dot(a, b) for a, b in pieces]).sum(dtype=torch.float64))


def lengths(vectors: Tensor) -> Tensor:
    """The Euclidean lengths, shape ``()`` or ``(m,)``, float64 on the CPU."""
    found = _lengths(vectors, vectors.dtype)
    inside = (found > _SQUARES[0]) & (found < _SQUARES[1])
    return found if bool(inside.all()) else _lengths(vectors, torch.float64)


def _lengths(vectors: Tensor, dtype: torch.dtype) -> Tensor:
    """Of pieces in the precision given; of the whole, in double."""
    parts = [torch.linalg.vector_norm(piece.to(dtype), dim=-1) for piece in vectors.split(_PIECE, dim=-1)]
    return torch.linalg.vector_norm(torch.stack(parts).double(), dim=0).cpu()


def negligible(left: float, image: Tensor) -> bool:
    """Whether a length is below the rounding error of the vector that it is a part of."""
    return left <= image.numel() ** 0.5 * torch.finfo(image.dtype).eps * lengths(image).item()


def _pieces(vectors: Tensor, rows: Rows) -> Iterator[tuple[Tensor, Tensor]]:
    """The same columns of both, piece by piece: views of the vectors, and a matrix of the rows."""
    size = vectors.shape[-1]
    matrix = rows if isinstance(rows, Tensor) else None if len(rows) else vectors.new_empty(0, size)
    for start in range(0, size, _PIECE):
        columns = slice(start, start + _PIECE)
        across = torch.stack([row[columns] for row in rows]) if matrix is None else matrix[:, columns]
        yield vectors[..., columns], across
