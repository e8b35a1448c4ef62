"""Audits of models that are too large for a dense Jacobian."""

import math
import warnings
from dataclasses import replace

import torch
from torch import Tensor

from ..model_symmetry import ModelSymmetry
from .block import Block, blocks
from .dense import ZERO
from .jacobian import Jacobian
from .linear_units import linear_units
from .result import Audit
from .vertical import moving_factors, residuals

#: Rows beyond the dimension of a block, so that a Gaussian sketch keeps its rank.
MORE = 20

#: Blocks that are searched: they share the rows of the Jacobian, which cost most.
BLOCKS = 32

#: Undeclared directions that are counted in one block: each costs a projection on the vertical space.
COUNTED = 8

#: A null direction is vertical when its distance from the vertical space is below this, for unit coefficients.
SINE = 1e-4


def sketched_audit(
    jacobian: Jacobian, symmetry: ModelSymmetry, *, rows: int, generator: torch.Generator | None
) -> Audit:
    r"""What is declared, tried along random vertical directions; and a search for what is not, block by block.

    ``rows`` Gaussian combinations of the outputs are pulled back. In every :class:`Block` the null directions of the
    Jacobian are projected on the vertical space; the rank of what is left is a number of null dimensions that nobody
    declared. It is a lower bound for the model, and zero proves nothing: a random subspace of the parameters meets the
    null space in zero alone, and the blocks are a guess of where it is.
    """
    worst, false = moving_factors(jacobian, symmetry, generator)
    outputs = jacobian.outputs.numel()
    if outputs < rows:
        warnings.warn(
            f"{outputs} outputs for {rows} rows: null directions may come from too few inputs; give more inputs",
            stacklevel=3,
        )
    weights = torch.randn(rows, outputs, generator=generator, dtype=torch.float64) / math.sqrt(outputs)
    found = blocks(
        jacobian.function.model, jacobian.params, size=min(rows, outputs) - MORE, count=BLOCKS, generator=generator
    )
    parts: list[list[Tensor]] = [[] for _ in found]
    for covectors in jacobian.rows(weights):
        for part, block in zip(parts, found, strict=True):
            part.append(block.pull(covectors).cpu())
    exact = symmetry.exact
    true = replace(symmetry, factors=tuple(factor for factor in exact if factor.name not in false))
    searched = [_search(block, torch.cat(part), true, generator) for block, part in zip(found, parts, strict=True)]
    declared = replace(symmetry, factors=exact).dimension
    return Audit(
        parameters=jacobian.parameters,
        rows=outputs,
        nullity=true.dimension + max((left for *_, left, _ in searched), default=0),
        declared=declared,
        overlap=sum(factor.dimension(symmetry.shapes) for factor in exact) - declared,
        approximate=0,
        inert=0,
        vertical_defect=worst,
        false_factors=false,
        spectral_gap=min((gap for *_, gap in searched), default=math.inf),
        linear_units=linear_units(jacobian.function, jacobian.params),
        families=symmetry.families,
        method="sketched",
        blocks=tuple((name, size, left) for name, size, left, _ in searched),
    )


def _search(
    block: Block, j: Tensor, symmetry: ModelSymmetry, generator: torch.Generator | None
) -> tuple[str, int, int, float]:
    """Name and dimension of a block, its null directions not declared, the gap between zeros and the rest."""
    reached = (j != 0).any(0).nonzero().flatten()  # an entry without influence is no symmetry
    _, singular, vh = torch.linalg.svd(j[:, reached], full_matrices=True)
    kept = int((singular > ZERO * singular.max()).sum()) if len(reached) else 0
    gap = (singular[kept - 1] / singular[kept]).item() if 0 < kept < len(singular) and singular[kept] else math.inf
    null = j.new_zeros(len(reached) - kept, j.shape[1])
    null[:, reached] = vh[kept:]
    return block.name, j.shape[1], _undeclared(block, null, symmetry, generator), gap


def _undeclared(block: Block, null: Tensor, symmetry: ModelSymmetry, generator: torch.Generator | None) -> int:
    """The rank of null directions modulo vertical ones, or ``COUNTED`` where it is larger.

    By random combinations: one is vertical when all null directions are. Factors that share a parameter with the block
    come first, and all of them only where those leave something.
    """
    if not len(null):
        return 0
    held = {slot.parameter for slot in block.slots}
    touching = tuple(factor for factor in symmetry.factors if factor.parameters & held)
    mixed = torch.randn(min(COUNTED, len(null)), len(null), generator=generator, dtype=null.dtype) @ null
    tangents = [block.tangent(coefficients / coefficients.norm()) for coefficients in mixed]
    for factors in (touching, symmetry.factors):
        if not _rank(residuals(tangents[:1], factors, symmetry, block.params)):
            return 0
    return _rank(residuals(tangents, symmetry.factors, symmetry, block.params))


def _rank(left: Tensor) -> int:
    return int((torch.linalg.svdvals(left) > SINE).sum())
