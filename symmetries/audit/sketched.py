"""Audits of models that are too large for a dense Jacobian."""

import math
import warnings
import zlib
from dataclasses import replace

import torch
from torch import Tensor

from ..model_symmetry import ModelSymmetry
from ..params import Params, Tangent
from .block import Block, blocks
from .dense import ZERO
from .jacobian import Jacobian
from .linear_units import linear_units
from .result import Audit
from .vertical import moving_factors
from .vertical_space import VerticalSpace

#: Rows beyond the dimension of a block, so that a Gaussian sketch keeps its rank.
MORE = 20

#: Blocks that are searched: they share the rows of the Jacobian, which cost most.
BLOCKS = 32

#: Undeclared directions that are counted in one block of a large model, where each takes least squares.
COUNTED = 8

#: Entries of a sketch of a tangent: many more than there are tangents, so that sketches are as independent as those.
BUCKETS = 4096

#: A null direction is vertical when its distance from the vertical space is below this, for unit coefficients.
SINE = 1e-4


def sketched_audit(
    jacobian: Jacobian, symmetry: ModelSymmetry, *, rows: int, generator: torch.Generator | None
) -> Audit:
    r"""What is declared, tried along random vertical directions; and a search for what is not, block by block.

    ``rows`` Gaussian combinations of the outputs are pulled back. In every :class:`Block` the null directions of the
    Jacobian are projected on the vertical space; the rank of what is left, in all blocks together, is a number of null
    dimensions that nobody declared. It is a lower bound for the model, and zero proves nothing: a random subspace of
    the parameters meets the null space in zero alone, and the blocks are a guess of where it is.
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
    exact = symmetry.exact
    true = replace(symmetry, factors=tuple(factor for factor in exact if factor.name not in false))
    along, reached = _along(found, jacobian, weights)
    space = VerticalSpace(true, jacobian.params, generator, reached)
    searched = [_search(block, j, space, generator) for block, j in zip(found, along, strict=True)]
    declared = replace(symmetry, factors=exact).dimension
    return Audit(
        parameters=jacobian.parameters,
        rows=outputs,
        nullity=true.dimension + _rank([sketch for *_, left, _ in searched for sketch in left]),
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
        blocks=tuple((name, size, _rank(left)) for name, size, left, _ in searched),
    )


def _along(found: list[Block], jacobian: Jacobian, weights: Tensor) -> tuple[list[Tensor], Params]:
    """For every block ``weights @ J`` along it, shape ``(rows, dimension)``; and which entries have any influence."""
    parts: list[list[Tensor]] = [[] for _ in found]
    reached = {name: torch.zeros_like(value, dtype=torch.bool) for name, value in jacobian.params.items()}
    for covectors in jacobian.rows(weights):
        for name, rows in covectors.items():
            reached[name] |= (rows != 0).any(0)
        for part, block in zip(parts, found, strict=True):
            part.append(block.pull(covectors).cpu())
    return [torch.cat(part) for part in parts], reached


def _search(
    block: Block, j: Tensor, space: VerticalSpace, generator: torch.Generator | None
) -> tuple[str, int, list[Tensor], float]:
    """Name and dimension of a block, sketches of its undeclared directions, the gap between zeros and the rest."""
    reached = (j != 0).any(0).nonzero().flatten()  # an entry without influence is no symmetry
    _, singular, vh = torch.linalg.svd(j[:, reached], full_matrices=True)
    kept = int((singular > ZERO * singular.max()).sum()) if len(reached) else 0
    gap = (singular[kept - 1] / singular[kept]).item() if 0 < kept < len(singular) and singular[kept] else math.inf
    null = j.new_zeros(len(reached) - kept, j.shape[1])
    null[:, reached] = vh[kept:]
    return block.name, j.shape[1], _undeclared(block, null, space, generator), gap


def _undeclared(block: Block, null: Tensor, space: VerticalSpace, generator: torch.Generator | None) -> list[Tensor]:
    """Null directions modulo vertical ones, sketched; at most ``COUNTED`` of them where each takes least squares.

    By random combinations: one is vertical when all null directions are. Factors that share a parameter with the block
    come first, and all of them only where those leave something.
    """
    if not len(null):
        return []
    held, everything = {slot.parameter for slot in block.slots}, space.symmetry.factors
    touching = tuple(factor for factor in everything if factor.parameters & held)
    count = len(null) if space.basis is not None else min(COUNTED, len(null))
    mixed = torch.randn(count, len(null), generator=generator, dtype=null.dtype) @ null
    tangents = [block.tangent(coefficients / coefficients.norm()) for coefficients in mixed]
    for factors in (touching, everything):
        if not _rank([_sketch(left) for left in space.residuals(tangents[:1], factors)]):
            return []
    return [_sketch(left) for left in space.residuals(tangents, everything)]


def _sketch(tangent: Tangent) -> Tensor:
    """Sums of the entries of a tangent with random signs, in buckets that all tangents share ([Clarkson2017])."""
    sums = torch.zeros(BUCKETS, dtype=torch.float64)
    for name, value in tangent.items():
        shared = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        buckets = torch.randint(BUCKETS, (value.numel(),), generator=shared)
        signs = 2.0 * torch.randint(2, (value.numel(),), generator=shared) - 1.0
        sums.index_add_(0, buckets, signs * value.flatten())
    return sums


def _rank(sketches: list[Tensor]) -> int:
    return int((torch.linalg.svdvals(torch.stack(sketches)) > SINE).sum()) if sketches else 0
