"""Eigenvalues far from the others, found before anything random is drawn."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..operators.deflation import DeflatedOperator
from ..operators.operator import AbstractOperator
from .eigenpairs import eigenpairs

#: The error of an outlier, as a power of the rounding unit. That of its vector is the root, about 1e-6 in double
#: precision: so much may change where a random vector is projected when the search starts elsewhere.
_ACCURACY = 0.75
#: In single precision no more than this many units of rounding can be asked for.
_ULPS = 100.0
#: Products for every outlier, at most: what has not come out by then is left to the random vectors.
_PATIENCE = 40


@dataclass(frozen=True)
class Outliers:
    """The eigenvalues of largest modulus, as far as they were found.

    Args:
        values: shape ``(k,)``, float64.
        residuals: of each, a distance within which there is an eigenvalue, shape ``(k,)``.
        products: how many it took to find them.
    """

    values: Tensor
    residuals: Tensor
    products: int = 0


_NOTHING = torch.zeros(0, dtype=torch.float64)
NO_OUTLIERS = Outliers(_NOTHING, _NOTHING)
"""None were asked for."""


def without_outliers(
    operator: AbstractOperator,
    count: int,
    *,
    folder: Path | None = None,
    generator: torch.Generator | None,
    progress: bool = False,
) -> tuple[Outliers, AbstractOperator]:
    """The outliers, and the operator on the complement of their eigenvectors.

    Args:
        operator: to take them from.
        count: how many, at most half of the dimension.
        folder: where the search is saved, and taken up from.
        generator: where the start of the search comes from.
        progress: show a bar over the products.
    """
    count = min(count, operator.dimension // 2)
    if not count:
        return NO_OUTLIERS, operator
    rounding = torch.finfo(operator.dtype).eps
    tolerance = max(rounding**_ACCURACY, _ULPS * rounding)
    pairs = eigenpairs(
        operator,
        count,
        which="magnitude",
        tolerance=tolerance,
        max_products=_PATIENCE * count,
        generator=generator,
        checkpoint=folder and folder / "outliers.safetensors",
        progress=progress,
    )
    found = pairs.errors <= tolerance * pairs.values.abs()
    outliers = Outliers(pairs.values[found], pairs.residuals[found], pairs.products)
    return outliers, DeflatedOperator(operator, pairs.vectors[found.to(pairs.vectors.device)])
