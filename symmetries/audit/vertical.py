"""Vertical directions: unit vectors of factors, and the distance of a tangent from all of them."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, lsmr
from torch import Tensor

from ..factor import AbstractFactor
from ..halving import failing
from ..model_symmetry import ModelSymmetry
from ..params import Params, Tangent
from .jacobian import Jacobian, tangent_norm

#: Unit vectors are independent, and a derivative along one is not zero, above this; rounding stays near 1e-15.
SMALL = 1e-10

#: Where the least squares of a projection stop, relative to sizes.
RESIDUAL = 1e-8


def vertical_vectors(
    factor: AbstractFactor, symmetry: ModelSymmetry, params: Params, generator: torch.Generator | None
) -> Tensor:
    """Random unit vertical directions of a factor, more than its dimension, shape ``(m, P)``."""
    count = factor.dimension(symmetry.shapes) + 5  # a few more: a larger orbit than stated would show
    draws = [factor.random_algebra(symmetry.shapes, generator=generator) for _ in range(count)]
    vectors = torch.stack([flat(symmetry.velocity(factor, x, params), params) for x in draws])
    norms = vectors.norm(dim=1, keepdim=True)
    return (vectors / norms)[norms.flatten() > 0]


def flat(tangent: Tangent, params: Params) -> Tensor:
    """All entries in one vector on the CPU, zero where ``tangent`` has none."""
    return torch.cat([tangent.get(name, torch.zeros_like(value)).flatten() for name, value in params.items()]).cpu()


def moving_factors(
    jacobian: Jacobian, symmetry: ModelSymmetry, generator: torch.Generator | None
) -> tuple[float, tuple[str, ...]]:
    """The largest relative derivative along vertical directions, and the factors along which there is one.

    One product with the Jacobian tries all factors at once, along a random direction of each; only where the sum moves
    the function are they told apart, by halving.
    """
    norm = max(jacobian.norm(generator), torch.finfo(torch.float64).tiny)
    params = jacobian.params
    tangents: dict[str, Tangent] = {}
    for factor in symmetry.exact:
        tangent = symmetry.velocity(factor, factor.random_algebra(symmetry.shapes, generator=generator), params)
        size = tangent_norm(tangent)
        if size > 0:
            tangents[factor.name] = {name: value / size for name, value in tangent.items()}
    worst = 0.0

    def move(names: Sequence[str]) -> bool:
        nonlocal worst
        together = total(tangents[name] for name in names)
        defect = jacobian.product(together).norm().item() / (norm * max(tangent_norm(together), SMALL))
        worst = max(worst, defect)
        return defect > SMALL

    false = tuple(failing(list(tangents), move))
    return worst, false


def total(tangents: Iterable[Tangent]) -> Tangent:
    """The sum of tangents that may hold different parameters."""
    found: Tangent = {}
    for tangent in tangents:
        for name, value in tangent.items():
            found[name] = found[name] + value if name in found else value
    return found


def residuals(
    tangents: Sequence[Tangent], factors: Sequence[AbstractFactor], symmetry: ModelSymmetry, params: Params
) -> list[Tangent]:
    r"""Tangents less their projection on the vertical space of ``factors``.

    Least squares over the Lie algebra by LSMR: the vertical space is never stored.
    """
    held = {name for t in tangents for name in t} | {name for f in factors for name in f.parameters}
    names = sorted(held | {norm.shift for norm in symmetry.statistics if norm.gain in held})
    point = {name: params[name] for name in names}
    vectors = [flat(tangent, point) for tangent in tangents]
    if factors:
        generated = _Generated(factors, symmetry, point)
        solved = (lsmr(generated.operator, v.numpy(), atol=RESIDUAL, btol=RESIDUAL, conlim=0.0)[0] for v in vectors)
        vectors = [v - generated.tangent(x) for v, x in zip(vectors, solved, strict=True)]
    sizes = [value.numel() for value in point.values()]
    return [dict(zip(point, vector.split(sizes), strict=True)) for vector in vectors]


class _Generated:
    """The linear map from the Lie algebras of factors to tangents, and its transpose by reverse mode."""

    def __init__(self, factors: Sequence[AbstractFactor], symmetry: ModelSymmetry, point: Params) -> None:
        draws = [factor.random_algebra(symmetry.shapes, generator=torch.Generator()) for factor in factors]
        self._point = point
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
        return flat(moved, self._point)


def _real(x: Tensor) -> Tensor:
    return torch.view_as_real(x) if x.is_complex() else x


def _like(coordinates: Tensor, x: Tensor) -> Tensor:
    shaped = coordinates.reshape(_real(x).shape)
    return torch.view_as_complex(shaped) if x.is_complex() else shaped
