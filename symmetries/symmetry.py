"""Factor pairs: the parameters a network sees only through a product."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .columns import Columns
from .errors import SymmetryError
from .factor import EXACT, AbstractFactor
from .group import GeneralLinear
from .params import Params, Shapes, Tangent, edited
from .stacks import column_phases, gram, times
from .view import View, portions

#: A head counts as rank-deficient when a squared singular value of G H^H, relative to the largest, is below this many
#: units in the last place of double precision: smaller ones are rounding noise of the Gram matrices.
RANK_ULPS = 64.0


@dataclass(frozen=True)
class Symmetry(AbstractFactor):
    r"""Parameters that enter the function only through :math:`G H^{H}`, head by head.

    The views on a side are stacked along *n* into G (``standard``, shape ``(copies, n, h)``) and H (``dual``,
    ``(copies, m, h)``); the group acts by :math:`(G, H) \mapsto (G A^{-1}, H A^{H})`. A map with a gain d behind it, as
    in AdaLoRA ([Zhang2023]) or before a batch norm, enters as :math:`V\, \mathrm{diag}(d)`, and the action on it is
    conjugated, :math:`V \mapsto V\, \mathrm{diag}(d)\, A^{H} \mathrm{diag}(d)^{-1}`; where d is a gain of its own, the
    section has d = 1.

    Law: ``model(act(g, params)) == model(params)`` for every ``g``, which :func:`symmetries.verify` tries.

    Example:
        >>> pair = Symmetry(
        ...     GeneralLinear(1, positive=True),
        ...     standard=(View("0.weight", "copies n -> copies n 1"), View("0.bias", "copies -> copies 1 1")),
        ...     dual=(View("2.weight", "m copies -> copies m 1"),),
        ... )

    Args:
        group: GL(h); its ``h`` must be the last axis of every view.
        standard: views of G; :class:`Columns` where its columns come from several parameters.
        dual: views of H, likewise.
        name: unique within a model; by default made from the parameters' names.
        family: what the audit and the dimension table call it.
        flags: see ``symmetries.factor.FLAGS``.
        gains: views of G or H, each with the gain behind it, shape ``(copies, 1, h)`` or ``(1, 1, h)``, which is
            read and stays as it is.
    """

    group: GeneralLinear
    standard: tuple[View | Columns, ...]
    dual: tuple[View | Columns, ...]
    name: str = ""
    family: str = "factor pair"
    flags: frozenset[str] = frozenset({EXACT})
    gains: tuple[tuple[View, View], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "standard", tuple(self.standard))
        object.__setattr__(self, "dual", tuple(self.dual))
        if not self.standard or not self.dual:
            raise ValueError("a symmetry needs at least one view on either side")
        if any(view.is_complex != (self.group.field == "complex") for view in self.views):
            raise ValueError(f"{self.group} needs views that are all {self.group.field}, see View's axis 'pair'")
        if not self.name:
            object.__setattr__(self, "name", f"{' ~ '.join(side[0].parameter for side in self.sides)}")

    @property
    def _stacked(self) -> tuple[tuple[Columns, ...], tuple[Columns, ...]]:
        """The rows of G and of H."""
        standard, dual = (
            tuple(rows if isinstance(rows, Columns) else Columns((rows,)) for rows in side)
            for side in (self.standard, self.dual)
        )
        return standard, dual

    @property
    def sides(self) -> tuple[tuple[View, ...], tuple[View, ...]]:
        """The views of G and those of H."""
        standard, dual = (tuple(view for rows in side for view in rows.views) for side in self._stacked)
        return standard, dual

    @property
    def moved(self) -> tuple[View, ...]:
        """Standard views, then dual views."""
        return self.sides[0] + self.sides[1]

    @property
    def views(self) -> tuple[View, ...]:
        """Those that move, then the gains behind them."""
        return (*self.moved, *dict.fromkeys(gain for _, gain in self.gains))

    def copies(self, shapes: Shapes) -> int:
        """How many independent group elements there are, e.g. heads."""
        return self.standard[0].shape(shapes)[0]

    def rows(self, shapes: Shapes) -> tuple[int, int]:
        """The number of rows of G and of H."""
        return sum(v.shape(shapes)[1] for v in self.standard), sum(v.shape(shapes)[1] for v in self.dual)

    def check(self, shapes: Shapes) -> None:
        """Every view must have the same number of copies, and ``h`` columns."""
        copies = self.copies(shapes)
        for rows in (*self._stacked[0], *self._stacked[1]):
            got = rows.shape(shapes)
            if (got[0], got[2]) != (copies, self.group.h):
                described = ", ".join(f"{view.parameter!r} read as {view.pattern!r}" for view in rows.views)
                raise SymmetryError(
                    f"{self.name}: expected {copies} copies of matrices with {self.group.h} columns, got "
                    f"{got[0]} copies with {got[2]} columns in {described}"
                )
        for view, gain in self.gains:
            got = gain.shape(shapes)
            if view not in self.moved or got not in ((1, 1, self.group.h), (copies, 1, self.group.h)):
                raise SymmetryError(
                    f"{self.name}: expected a gain (1, 1, {self.group.h}) behind one of its maps, got {got} in "
                    f"{gain.parameter!r} behind {view.parameter!r}"
                )

    def dimension(self, shapes: Shapes) -> int:
        r"""``copies`` times :math:`h^2 - (h - r_G)(h - r_H)`, with generic ranks :math:`r = \min(n, h)`."""
        h = self.group.h
        lacking = [h - min(n, h) for n in self.rows(shapes)]
        return self.copies(shapes) * (h**2 - lacking[0] * lacking[1]) * (self.group.dimension // h**2)

    def stack(self, params: Params, *, covector: bool = False) -> tuple[Tensor, Tensor]:
        """G and H, shapes ``(copies, n, h)`` and ``(copies, m, h)``, of a point or a tangent, or of a covector.

        A side of a single view may alias the parameter.
        """
        g, h = (_joined([rows.read(params, covector=covector) for rows in side]) for side in self._stacked)
        return g, h

    def stack_into_(self, params: Params, standard: Tensor, dual: Tensor, *, covector: bool = False) -> None:
        """:meth:`stack` into memory of those shapes, laid out in any way."""
        shapes = {name: params[name].shape for name in self.parameters}
        for side, matrix in zip(self._stacked, (standard, dual), strict=True):
            pieces = portions(matrix, [rows.shape(shapes)[1] for rows in side], dim=1)
            for rows, piece in zip(side, pieces, strict=True):
                rows.read_into_(params, piece, covector=covector)

    def unstack_(self, params: Params, standard: Tensor, dual: Tensor, *, covector: bool = False) -> None:
        """Write G and H back into the parameters, in place."""
        shapes = {name: params[name].shape for name in self.parameters}
        for side, matrix in zip(self._stacked, (standard, dual), strict=True):
            pieces = matrix.split([rows.shape(shapes)[1] for rows in side], dim=1)
            for rows, piece in zip(side, pieces, strict=True):
                rows.write_(params, piece, covector=covector)

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """One element for every copy, shape ``(copies, h, h)``."""
        return self.group.random(self.copies(shapes), generator=generator, condition=condition, scale=scale)

    def random_algebra(self, shapes: Shapes, *, generator: torch.Generator | None) -> Tensor:
        """Shape ``(copies, h, h)``."""
        return self.group.random_algebra(self.copies(shapes), generator=generator)

    def exponential(self, algebra: Tensor) -> Tensor:
        """The matrix exponential of every copy."""
        return torch.linalg.matrix_exp(algebra)

    def inverse(self, element: Tensor) -> Tensor:
        """The inverse matrix of every copy."""
        return torch.linalg.inv(element)

    def weighted(self, params: Params) -> tuple[Tensor, Tensor]:
        """G and H with the gains behind their maps, through whose product alone the function depends on them."""
        gained = edited(params, {view.parameter for view, _ in self.gains})
        for view, gain in self.gains:
            view.write_(gained, view.read(params) * gain.read(params))
        return self.stack(gained)

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        """``(G A^-1, H A^H)``."""
        self._unweight_(target, *self.group.act(element, *self.weighted(params)), params)

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        """``(-G X, H X^H)``."""
        tangent = {name: torch.zeros_like(params[name]) for name in self.parameters}
        self._unweight_(tangent, *self.group.infinitesimal(algebra, *self.weighted(params)), params)
        return tangent

    def _unweight_(self, target: Params, standard: Tensor, dual: Tensor, params: Params) -> None:
        """Write G and H, given with their gains."""
        self.unstack_(target, standard, dual)
        for view, gain in self.gains:
            view.write_(target, view.read(target) / gain.read(params))

    def section(self, params: Params) -> Tensor | None:
        r"""The change to a balanced basis, :math:`G^{H} G = H^{H} H` diagonal: the point of least norm on the orbit.

        Unique for distinct singular values: the largest entry of every column of G is made positive (over the complex
        numbers too), so that all points of an orbit have one representative. Computed in double precision. Copies that
        lack full rank have no such basis and stay where they are; None where all do.
        """
        balanced = self._balanced(*self._double(params))
        return None if balanced is None else balanced[0].cpu()

    def settle_(self, params: Params) -> Tensor | None:
        """Move to the balanced basis, in place; the element that did it, as :meth:`section`."""
        standard, dual = self._double(params)
        balanced = self._balanced(standard, dual)
        if balanced is None:
            return None
        element, moved = balanced
        self._unweight_(params, moved, times(dual, element.mH), params)
        return element.cpu()

    def _double(self, params: Params) -> tuple[Tensor, Tensor]:
        standard, dual = (matrix.detach().to(self.group.dtype) for matrix in self.weighted(params))
        return standard, dual

    def _balanced(self, standard: Tensor, dual: Tensor) -> tuple[Tensor, Tensor] | None:
        """The change to a balanced basis, and G there."""
        balance, deficient = balancing_element(gram(standard), gram(dual))
        if bool(deficient.all()):
            return None
        moved = times(standard, torch.linalg.inv(balance))
        phases = torch.where(deficient.unsqueeze(-1), 1.0, column_phases(moved))
        if self.group.positive:
            phases[:, 0] *= (torch.linalg.det(balance) * phases.prod(-1)).sign()
        return phases.unsqueeze(-1) * balance, moved.mul_(phases.conj().unsqueeze(-2))


def _joined(stacks: Sequence[Tensor]) -> Tensor:
    """Rows of one stack after those of another: columns in one piece of memory, as those of most weights are."""
    return stacks[0] if len(stacks) == 1 else torch.cat([stack.mT for stack in stacks], dim=2).mT


def balancing_element(s: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    r"""A with :math:`A^{-H} S A^{-1} = A T A^{H}` diagonal, from the Gram matrices, shape ``(copies, h, h)``.

    With the Cholesky factor of :math:`S = L L^{H}` and :math:`L^{H} T L = U D U^{H}`, it is
    :math:`A = D^{-1/4} U^{H} L^{H}`. The second value marks the copies where S or T is not positive definite to working
    precision; there A is the identity.
    """
    identity = torch.eye(s.shape[-1], dtype=s.dtype, device=s.device)
    lower, info = torch.linalg.cholesky_ex(s)
    deficient = info != 0
    lower = torch.where(deficient[:, None, None], identity, lower)
    squares, unitary = torch.linalg.eigh(lower.mH @ t @ lower)
    negligible = RANK_ULPS * s.shape[-1] * torch.finfo(squares.dtype).eps
    deficient = deficient | (squares[:, 0] <= negligible * squares[:, -1])
    root = torch.where(squares > 0, squares, 1.0).pow(0.25)
    return torch.where(deficient[:, None, None], identity, (lower @ unitary).mH / root.unsqueeze(-1)), deficient
