"""Vertical directions: unit vectors of factors, and whether the function changes along them."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from ..factor import AbstractFactor
from ..halving import failing
from ..model_symmetry import ModelSymmetry
from ..params import Params, Tangent
from .jacobian import Jacobian, tangent_norm

#: Unit vectors are independent, and a derivative along one is not zero, above this; rounding stays near 1e-15.
SMALL = 1e-10


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
