"""Keeping a Krylov basis orthogonal."""

import torch
from torch import Tensor

#: A vector that loses more of its length than this is made orthogonal once more: what is left carries the rounding
#: error of what was taken off [Daniel1976].
_KEPT_LENGTH = 0.7


def orthogonalize_(vector: Tensor, rows: Tensor) -> Tensor:
    """Take the parts along orthonormal rows off a vector, in place, a second time where little is left.

    Args:
        vector: shape ``(n,)``.
        rows: orthonormal, shape ``(k, n)``.

    Returns:
        The coefficients of what was taken off, shape ``(k,)``, float64 on the CPU.
    """
    before = euclidean(vector)
    along = subtract_(vector, rows)
    if euclidean(vector) <= _KEPT_LENGTH * before:
        along += subtract_(vector, rows)
    return along


def subtract_(vector: Tensor, rows: Tensor) -> Tensor:
    """One pass of :func:`orthogonalize_`."""
    along = rows @ vector
    vector.sub_(along @ rows)
    return along.double().cpu()


def euclidean(vector: Tensor) -> float:
    """The length, accumulated in double precision."""
    return float(torch.linalg.vector_norm(vector, dtype=torch.float64))
