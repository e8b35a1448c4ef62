"""Rotations of residual streams, and of heads that are normalized."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import SymmetryError
from .factor import COUNTED, EXACT, AbstractFactor
from .params import Params, Shapes, Tangent
from .view import View


@dataclass(frozen=True)
class Rotation(AbstractFactor):
    r"""Rotations of a stream that is written by linear maps and read by norms whose readers are linear.

    .. math:: W_{\text{writer}} \mapsto Q W, \qquad W_{\text{reader}} \mapsto W \Gamma Q^{T} \Gamma^{-1}, \qquad
              \beta \mapsto \Gamma Q \Gamma^{-1} \beta

    with :math:`\Gamma` the gain of the norm in between. RMSNorm allows all of :math:`SO(d)`, LayerNorm those that fix
    the all-ones vector ([Ashkboos2024] uses the same freedom to compress). The group is compact: Frobenius and Gram
    metrics are invariant under it already, an elementwise one is not. It is counted, and left in the ball.

    Elements are orthogonal matrices, shape ``(copies, d, d)``.

    Args:
        name: unique within a model.
        writers: views ``(copies, d, h)``, the stream along *n*.
        readers: pairs of a view ``(copies, d, h)`` and the gain ``(1, d, 1)`` of the norm it reads through, or None; a
            writer behind a layer scale is such a pair too.
        shifts: pairs of a norm's shift ``(1, d, 1)`` and its gain, or None.
        fixes_ones: rotate the complement of the all-ones vector only (LayerNorm).
        copies: how many streams rotate apart, the heads of an attention for instance: as many as the views of all
            writers, readers and shifts have; 1 where all turn together.
    """

    name: str
    writers: tuple[View, ...]
    readers: tuple[tuple[View, View | None], ...]
    shifts: tuple[tuple[View, View | None], ...] = ()
    fixes_ones: bool = False
    copies: int = 1
    family: str = "rotation of the residual stream"
    flags: frozenset[str] = frozenset({EXACT, COUNTED})

    @property
    def views(self) -> tuple[View, ...]:
        """Writers, readers, shifts and gains."""
        pairs = (view for pair in (*self.readers, *self.shifts) for view in pair if view is not None)
        return (*self.writers, *dict.fromkeys(pairs))

    def _width(self, shapes: Shapes) -> int:
        return self.writers[0].shape(shapes)[1]

    def check(self, shapes: Shapes) -> None:
        """Every view must have the width of the stream along *n*, all that moves one copy for each rotation."""
        d = self._width(shapes)
        for view in (*self.writers, *(view for view, _ in (*self.readers, *self.shifts))):
            if self.copies not in (1, view.shape(shapes)[0]):
                raise SymmetryError(
                    f"{self.name}: expected {self.copies} copies in {view.parameter!r} read as {view.pattern!r}, "
                    f"got shape {view.shape(shapes)}"
                )
        for view in self.views:
            if view.shape(shapes)[1] != d:
                raise SymmetryError(
                    f"{self.name}: expected {d} channels along n in {view.parameter!r} read as {view.pattern!r}, "
                    f"got shape {view.shape(shapes)}"
                )

    def dimension(self, shapes: Shapes) -> int:
        """``d (d - 1) / 2`` for every copy, with ``d - 1`` for ``d`` when the all-ones vector is fixed."""
        d = self._width(shapes) - self.fixes_ones
        return self.copies * (d * (d - 1) // 2)

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """The exponential of a Gaussian skew matrix: an angle of order one in every plane."""
        d = self._width(shapes)
        return self.exponential(self.random_algebra(shapes, generator=generator) / d**0.5)

    def random_algebra(self, shapes: Shapes, *, generator: torch.Generator | None) -> Tensor:
        """Gaussian skew matrices, shape ``(copies, d, d)``, that annihilate the all-ones vector if they must."""
        d = self._width(shapes)
        return self.in_algebra(2 * torch.randn(self.copies, d, d, generator=generator, dtype=torch.float64))

    def in_algebra(self, x: Tensor) -> Tensor:
        """The skew part, of matrices that annihilate the all-ones vector if they must."""
        if self.fixes_ones:
            x = x - x.mean(-2, keepdim=True)
            x = x - x.mean(-1, keepdim=True)
        return (x - x.mT) / 2

    def exponential(self, algebra: Tensor) -> Tensor:
        """The matrix exponential."""
        return torch.linalg.matrix_exp(algebra)

    def inverse(self, element: Tensor) -> Tensor:
        """The transpose."""
        return element.mT

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        """Rotate writers, readers and shifts."""
        for view, value in self._rotated(element, params):
            view.write_(target, value)

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        """The same with a skew matrix: the action is linear in Q."""
        tangent = {name: torch.zeros_like(params[name]) for name in self.parameters}
        for view, value in self._rotated(algebra, params):
            view.add_(tangent, value)
        return tangent

    def section(self, params: Params) -> None:
        """None: no section is taken."""
        return

    def _rotated(self, q: Tensor, params: Params) -> Iterator[tuple[View, Tensor]]:
        for view in dict.fromkeys(self.writers):
            value = view.read(params)
            yield view, q.to(value) @ value
        for view, gain in dict.fromkeys(self.readers):
            value = view.read(params)
            gamma = value.new_ones(1, 1) if gain is None else gain.read(params)[0]  # (d, 1)
            yield view, (q.to(value) * gamma.mT / gamma) @ value  # columns of W^T: Gamma^-1 Q Gamma
        for view, gain in dict.fromkeys(self.shifts):
            value, g = view.read(params), 1.0 if gain is None else gain.read(params)
            yield view, q.to(value) @ (value / g) * g
