"""The vertical space of a symmetry, and what of a tangent lies outside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, lsmr
from torch import Generator, Tensor

from ..factor import AbstractFactor
from ..model_symmetry import ModelSymmetry
from ..params import Params, Tangent
from .vertical import SMALL, flat, total, vertical_vectors

#: Where the least squares of a projection stop, relative to sizes.
RESIDUAL = 1e-8

#: Entries of a basis that is worth its decomposition and its place; least squares take its part beyond.
STORED = 5_000_000


@dataclass(frozen=True)
class VerticalSpace:
    """All vertical directions at a point: a basis where it is small, otherwise never stored.

    Args:
        symmetry: whose factors generate it.
        params: the point.
        generator: where the directions come from that span a basis.
        reached: which entries influence the outputs, all where nothing is said; the others do not count.
    """

    symmetry: ModelSymmetry
    params: Params
    generator: Generator | None
    reached: Mapping[str, Tensor] = field(default_factory=dict)

    @cached_property
    def basis(self) -> Tensor | None:
        """Orthonormal, shape ``(dimension, P)``; None where it would be large, or the space is zero."""
        size = sum(value.numel() for value in self.params.values())
        factors = self.symmetry.factors
        if not factors or size * sum(factor.dimension(self.symmetry.shapes) for factor in factors) > STORED:
            return None
        vectors = [vertical_vectors(factor, self.symmetry, self.params, self.generator) for factor in factors]
        _, singular, basis = torch.linalg.svd(torch.cat(vectors) * self._mask(self.params), full_matrices=False)
        return basis[singular > SMALL]

    def residuals(self, tangents: Sequence[Tangent], factors: Sequence[AbstractFactor]) -> list[Tangent]:
        """Tangents less their projection on the vertical space of some factors; with a basis, of all of them."""
        point = self.params if self.basis is not None else self._touched(tangents, factors)
        mask = self._mask(point)
        vectors = [flat(tangent, point) * mask for tangent in tangents]
        if self.basis is not None:
            vectors = [v - self.basis.T @ (self.basis @ v) for v in vectors]
        elif factors:
            generated = _Generated(factors, self.symmetry, point, mask)
            solved = (lsmr(generated.operator, v.numpy(), atol=RESIDUAL, btol=RESIDUAL, conlim=0.0)[0] for v in vectors)
            vectors = [v - generated.tangent(x) for v, x in zip(vectors, solved, strict=True)]
        sizes = [value.numel() for value in point.values()]
        return [dict(zip(point, vector.split(sizes), strict=True)) for vector in vectors]

    def _mask(self, point: Params) -> Tensor:
        ones = {name: torch.ones_like(value) for name, value in point.items() if name not in self.reached}
        return flat(
            ones | {name: self.reached[name].to(value) for name, value in point.items() if name not in ones}, point
        )

    def _touched(self, tangents: Sequence[Tangent], factors: Sequence[AbstractFactor]) -> Params:
        held = {name for t in tangents for name in t} | {name for f in factors for name in f.parameters}
        names = sorted(held | {norm.shift for norm in self.symmetry.statistics if norm.gain in held})
        return {name: self.params[name] for name in names}


class _Generated:
    """The linear map from the Lie algebras of factors to tangents, and its transpose by reverse mode."""

    def __init__(self, factors: Sequence[AbstractFactor], symmetry: ModelSymmetry, point: Params, mask: Tensor) -> None:
        draws = [factor.random_algebra(symmetry.shapes, generator=torch.Generator()) for factor in factors]
        self._point = point
        self._mask = mask
        self._factors = factors
        self._symmetry = symmetry
        self._algebra = torch.cat([_real(x).flatten() for x in draws]).zero_().requires_grad_()
        self._like = draws
        self._image = self._infinitesimal(self._algebra)
        shape = (self._image.numel(), self._algebra.numel())
        self.operator = LinearOperator(shape, matvec=self._forward, rmatvec=self._backward, dtype=np.float64)

    def tangent(self, x: np.ndarray) -> Tensor:
        """The vertical direction of algebra coordinates ``x``."""
        with torch.no_grad():
            return self._infinitesimal(torch.from_numpy(np.ravel(x)))

    def _forward(self, x: np.ndarray) -> np.ndarray:
        return self.tangent(x).numpy()

    def _backward(self, u: np.ndarray) -> np.ndarray:
        covector = torch.from_numpy(np.ravel(u)).to(self._image)
        return torch.autograd.grad(self._image, self._algebra, covector, retain_graph=True)[0].numpy()

    def _infinitesimal(self, coordinates: Tensor) -> Tensor:
        pieces = coordinates.split([_real(x).numel() for x in self._like])
        moved = total(
            self._symmetry.velocity(factor, factor.in_algebra(_like(piece, x)), self._point)
            for factor, piece, x in zip(self._factors, pieces, self._like, strict=True)
        )
        return flat(moved, self._point) * self._mask


def _real(x: Tensor) -> Tensor:
    return torch.view_as_real(x) if x.is_complex() else x


def _like(coordinates: Tensor, x: Tensor) -> Tensor:
    shaped = coordinates.reshape(_real(x).shape)
    return torch.view_as_complex(shaped) if x.is_complex() else shaped
