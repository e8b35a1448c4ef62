"""The leading eigenpairs of a symmetric operator, stopped by their residuals."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from ..arguments import require_positive
from ..operators.memory import free_memory
from ..operators.operator import AbstractOperator
from ..whole_file import replacing
from .krylov import KrylovBasis

Which = Literal["largest", "smallest", "magnitude"]

#: What the wanted eigenvalues are the largest of.
_SCORES: dict[Which, Callable[[Tensor], Tensor]] = {
    "largest": lambda values: values,
    "smallest": lambda values: -values,
    "magnitude": torch.abs,
}

#: Rows of the basis for every wanted pair: enough that restarts are rare, and cost little when they come.
_ROWS_PER_PAIR = 8
_LEAST_ROWS = 40

#: Residual, relative to the value, above which a pair may hide another. With v the start and u an eigenvector that has
#: not shown, its value at a distance x from a Ritz value with residual r and vector s, the Lanczos relation bounds
#: |u.v| by r/x |s.v|. A random start holds so little of u with a chance of about r/x: 1 % for neighbours at 3e-3 of
#: the value.
_HIDING = 3e-5


@dataclass(frozen=True)
class Eigenpairs:
    r"""Eigenpairs of a symmetric operator, leading one first.

    An interval of radius ``residuals[i]`` around ``values[i]`` holds an eigenvalue. ``errors`` is sharper:
    :math:`\min(r, r^2 / \text{gap})`, with the gap to the rest of the computed spectrum for the gap to the rest of the
    spectrum (Kato and Temple; [Parlett1998] 11.7). It holds where no eigenvalue is missed: small residuals tell that
    each value is one, and not which.

    Attributes:
        values: shape ``(k,)``, float64.
        vectors: of length one, shape ``(k, n)``, in the operator's dtype.
        residuals: lengths of :math:`A v - \lambda v`, shape ``(k,)``, float64.
        errors: estimated errors of the values, shape ``(k,)``, float64.
        products: how many products with the operator it took.
        converged: whether every error is within the tolerance, and every residual so small that a pair in between,
            missed, is improbable.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    errors: Tensor
    products: int
    converged: bool


def eigenpairs(
    operator: AbstractOperator,
    count: int = 10,
    *,
    which: Which = "largest",
    tolerance: float = 1e-6,
    max_products: int = 1000,
    memory: int | None = None,
    generator: torch.Generator | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = False,
) -> Eigenpairs:
    r"""The ``count`` leading eigenpairs by the thick-restart Lanczos method [Wu2000].

    It stops when every wanted value has an estimated error (see :class:`Eigenpairs`) within ``tolerance`` times its
    modulus, and a residual within 3e-5 times it: before that, an eigenvalue of which the start holds little can still
    be missing, and all that follow are off by a place. Iterations are from one random vector, so that copies of a
    multiple eigenvalue beyond the first are found only as rounding brings them in.

    Example:
        >>> import torch
        >>> from measures import MatrixOperator
        >>> matrix = torch.diag(torch.arange(100, dtype=torch.float64) ** 2)
        >>> pairs = eigenpairs(MatrixOperator(matrix), 3, tolerance=1e-10, generator=torch.Generator().manual_seed(0))
        >>> pairs.values
        tensor([9801.0000, 9604.0000, 9409.0000], dtype=torch.float64)

    Args:
        operator: such as ``RiemannianHessian(loss, chart)``.
        count: how many pairs, at most the dimension.
        which: the algebraically largest, the algebraically smallest, or the largest in modulus.
        tolerance: of every value, relative to it.
        max_products: the pairs are returned as they are, with ``converged=False``, after this many products.
        memory: bytes that the Krylov basis may take, by default half of the free memory. It holds 8 vectors for each
            pair, at least 40 in all, or as many as fit.
        generator: where the start comes from.
        checkpoint: a file that the state is saved in at every restart, on an interruption by the keyboard, and at the
            end, and taken up from when it exists.
        progress: show a bar over the products, with the number of pairs found.

    Raises:
        ValueError: numbers that are not positive, more pairs than dimensions, memory for too few vectors, or a
            checkpoint of another operator.
    """
    require_positive(count=count, tolerance=tolerance, max_products=max_products)
    if count > operator.dimension:
        raise ValueError(f"expected at most {operator.dimension} pairs, the dimension, got count={count}")
    if which not in _SCORES:
        raise ValueError(f"which must be one of {sorted(_SCORES)}, got {which!r}")
    basis = KrylovBasis(operator, _capacity(operator, count, memory), generator)
    file = _StateFile(basis, None if checkpoint is None else Path(checkpoint))
    file.load()
    goal = _Goal(count, _SCORES[which], tolerance)
    with tqdm(total=max_products, initial=basis.products, desc="eigenpairs", disable=not progress) as bar:
        try:
            while not goal.is_reached(basis) and basis.products < max_products:
                if basis.is_full:
                    basis.restart_(goal.kept(basis))
                    file.save()
                basis.extend_()
                bar.update()
                bar.set_postfix(pairs=goal.found(basis))
        except KeyboardInterrupt:
            file.save()
            raise
    pairs = goal.pairs(basis)
    file.finish(goal)
    return pairs


@dataclass(frozen=True)
class _Goal:
    """Which Ritz pairs are wanted, and how good they must be."""

    count: int
    score: Callable[[Tensor], Tensor]
    tolerance: float

    def is_reached(self, basis: KrylovBasis) -> bool:
        return self.found(basis) == self.count

    def found(self, basis: KrylovBasis) -> int:
        """How many wanted values are within the tolerance, and hide no others."""
        values, _, residuals, errors = self._leading(basis)
        near, alone = errors <= self.tolerance * values.abs(), residuals <= _HIDING * values.abs()
        return int((near & alone).sum())

    def wanted(self, basis: KrylovBasis, more: int = 0) -> Tensor:
        """The indices of the wanted Ritz pairs, leading one first, and of some next to them."""
        return self.score(basis.ritz()[0]).argsort(descending=True)[: self.count + more]

    def kept(self, basis: KrylovBasis) -> Tensor:
        """The indices of Ritz pairs to restart with: neighbours of the wanted ones speed it up."""
        return self.wanted(basis, more=(basis.capacity - self.count) // 3 + 1)[: basis.size - 1]

    def pairs(self, basis: KrylovBasis) -> Eigenpairs:
        values, vectors, residuals, errors = self._leading(basis)
        return Eigenpairs(
            values, basis.combined(vectors), residuals, errors, basis.products, converged=self.is_reached(basis)
        )

    def _leading(self, basis: KrylovBasis) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Values, vectors in the basis, residuals and estimated errors of the wanted Ritz pairs, leading one first."""
        values, vectors, residuals = basis.ritz()
        apart = (values[:, None] - values[None]).abs().fill_diagonal_(math.inf) - residuals
        gaps = apart.amin(dim=1).clamp_min(0.0) if len(values) > 1 else torch.zeros_like(values)
        errors = torch.where(residuals < gaps, residuals.square() / gaps, residuals)
        chosen = self.wanted(basis)
        return values[chosen], vectors[:, chosen], residuals[chosen], errors[chosen]


@dataclass(frozen=True)
class _StateFile:
    """Where an unfinished basis is kept, if anywhere."""

    basis: KrylovBasis
    path: Path | None

    def load(self) -> None:
        if self.path is None or not self.path.exists():
            return
        try:
            self.basis.restore_(load_file(self.path))
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}; remove the file to start anew") from error

    def save(self) -> None:
        if self.path is not None:
            with replacing(self.path) as draft:
                save_file(self.basis.state(), draft)

    def finish(self, goal: _Goal) -> None:
        """Save what was found, and no more."""
        if self.path is not None and self.basis.size > goal.count:
            self.basis.restart_(goal.wanted(self.basis))
            self.save()


def _capacity(operator: AbstractOperator, count: int, memory: int | None) -> int:
    """How many rows fit, beside the next one."""
    row = operator.size * torch.empty(0, dtype=operator.dtype).element_size()
    budget = free_memory(operator.device) // 2 if memory is None else memory
    fitting = budget // row - 1
    if fitting < min(count + 3, operator.dimension):
        raise ValueError(
            f"{count} pairs need a basis of {count + 4} vectors of {row:,} bytes, got memory for {fitting + 1}; ask "
            "for fewer pairs or give more memory"
        )
    return int(min(fitting, operator.dimension, max(_LEAST_ROWS, _ROWS_PER_PAIR * count)))
