"""Audits by the singular values of the whole Jacobian."""

import math
import warnings

import torch
from torch import Tensor

from ..model_symmetry import ModelSymmetry
from .jacobian import Jacobian
from .linear_units import linear_units
from .result import Audit
from .vertical import SMALL, vertical_vectors

#: Singular values below this share of the largest are zeros. Measured: zeros at 1e-15, others from 1e-10 on, where the
#: smallest belong to scales that only the eps of a norm makes visible.
ZERO = 1e-12

#: Rows beyond the number of parameters, so that a Gaussian sketch keeps the rank, and inputs can show it.
OVERSAMPLING = (1.15, 40)

#: Below this ratio of the smallest non-zero singular value to the largest zero one, the rank is in doubt.
CLEAR_GAP = 1e3


def dense_audit(jacobian: Jacobian, symmetry: ModelSymmetry, *, generator: torch.Generator | None) -> Audit:
    """The null space and the vertical space, both as matrices: their dimensions are exact."""
    size, params = jacobian.parameters, jacobian.params
    j = jacobian.dense(_weights(jacobian, generator))
    singular = torch.linalg.svdvals(j)
    kept = int((singular > ZERO * singular[0]).sum())
    gap = singular[kept - 1].item() / singular[kept].item() if 0 < kept < len(singular) and singular[kept] else math.inf
    if gap < CLEAR_GAP:
        warnings.warn(f"the rank is in doubt: singular values fall by {gap:.0e} only where they are cut", stacklevel=3)
    vertical = {f.name: vertical_vectors(f, symmetry, params, generator) for f in symmetry.exact}
    steepest = max(singular[0].item(), torch.finfo(torch.float64).tiny)
    defects = {name: (v @ j.T).norm(dim=1).max().item() / steepest for name, v in vertical.items()}
    basis = torch.cat([j.new_zeros(0, size), *vertical.values()])
    without_influence = torch.eye(size, dtype=j.dtype)[(j == 0).all(0)]
    declared = rank(basis)
    scales = [vertical_vectors(f, symmetry, params, generator) for f in symmetry.factors if f.name not in vertical]
    with_scales = torch.cat([basis, *(v[(v @ j.T).norm(dim=1) < ZERO * steepest] for v in scales)])
    explained = rank(with_scales)
    return Audit(
        parameters=size,
        rows=jacobian.outputs.numel(),
        nullity=size - kept,
        declared=declared,
        overlap=sum(symmetry[name].dimension(symmetry.shapes) for name in vertical) - declared,
        approximate=explained - declared,
        inert=rank(torch.cat([with_scales, without_influence])) - explained,
        vertical_defect=max(defects.values(), default=0.0),
        false_factors=tuple(name for name, defect in defects.items() if defect > SMALL),
        spectral_gap=gap,
        linear_units=linear_units(jacobian.function, params),
        families=symmetry.families,
    )


def rank(vectors: Tensor) -> int:
    """The dimension of the span of unit vectors, shape ``(m, P)``."""
    return int((torch.linalg.svdvals(vectors) > SMALL).sum()) if len(vectors) else 0


def _weights(jacobian: Jacobian, generator: torch.Generator | None) -> Tensor:
    """Combinations of outputs: each of them, or Gaussian ones where there are many more than needed."""
    rows, size = jacobian.outputs.numel(), jacobian.parameters
    needed = math.ceil(OVERSAMPLING[0] * size + OVERSAMPLING[1])
    if rows >= needed:
        return torch.randn(needed, rows, generator=generator, dtype=torch.float64) / math.sqrt(rows)
    warnings.warn(
        f"{rows} outputs for {size} parameters: the null space may come from too few inputs; give enough for "
        f"{needed} outputs",
        stacklevel=4,
    )
    return torch.eye(rows, dtype=torch.float64)
