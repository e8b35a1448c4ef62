"""Shifts that fold into a bias, or that nothing sees."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..factor import EXACT
from ..params import Params, Shapes, Tangent
from ..stacks import column_sums
from ..view import View
from .base import AbstractAbsorption, added, require_last_axis, zeros
from .chain import Chain, require_chain, taken_back


@dataclass(frozen=True)
class Shift(AbstractAbsorption):
    r"""A constant added to a feature, and taken back by what reads it.

    .. math:: \beta \mapsto \beta + c, \qquad b_i \mapsto b_i - W_i c, \qquad b'_j \mapsto b'_j - c

    for every reader :math:`(W_i, b_i)` and every opposite term :math:`b'_j`; followers move as the source does. Cases:
    a key bias under softmax (no reader: the softmax ignores it; [Namazifar2023]); a value bias into the output bias
    (rows of a softmax sum to one); the shift of a norm into the biases of its readers; a constant traded between two
    embeddings that are added. The section is a source of zero mean (a single bias: zero).

    Args:
        name: unique within a model.
        source: what the constant is added to, shape ``(1, n, k)``: one row for a bias, a row per entry of a table.
        readers: chains of a weight view ``(copies, out, k)``, summed over copies, and a bias view ``(1, out, 1)``; a
            reader without bias passes the constant on to the next weight, see :data:`Chain`.
        opposite: views ``(1, n, k)`` from which the constant is taken.
        followers: views ``(1, n, k)`` to which it is added as well, e.g. the extra key of an attention.
        along: :math:`\gamma` as ``(1, 1, k)`` where only the multiples of :math:`1 / \gamma` are taken back: what a
            LayerNorm adds to the logits of an embedding that is tied to the head is then one number.
    """

    name: str
    source: View
    readers: tuple[Chain, ...] = ()
    opposite: tuple[View, ...] = ()
    followers: tuple[View, ...] = ()
    along: View | None = None
    family: str = "shift into bias"
    flags: frozenset[str] = frozenset({EXACT})
    stage: ClassVar[int] = 1

    @property
    def views(self) -> tuple[View, ...]:
        """Source, followers, opposites, weights and biases of the readers, the gain."""
        gain = () if self.along is None else (self.along,)
        chains = (view for chain in self.readers for view in chain)
        return (self.source, *self.followers, *self.opposite, *chains, *gain)

    @property
    def moved(self) -> tuple[View, ...]:
        """Source, followers, opposites, and the bias of every reader."""
        return (self.source, *self.followers, *self.opposite, *(chain[-1] for chain in self.readers))

    @property
    def pins(self) -> tuple[View, ...]:
        """The source, of zero mean: of every channel, or all together along one direction."""
        return (self.source if self.along is None else self.source.column,)

    def check(self, shapes: Shapes) -> None:
        """One channel axis for all, one bias for each row of a reader."""
        k = self.source.shape(shapes)[2]
        gain = () if self.along is None else (self.along,)
        require_last_axis(self.name, (*self.followers, *self.opposite, *gain), k, shapes)
        for chain in self.readers:
            require_chain(self.name, chain, k, shapes)

    def dimension(self, shapes: Shapes) -> int:
        """The number of channels, or one along a given direction."""
        return self.source.shape(shapes)[2] if self.along is None else 1

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """A Gaussian constant of standard deviation ``scale``."""
        return scale * self.random_algebra(shapes, generator=generator)

    def exponential(self, algebra: Tensor) -> Tensor:
        """The constant itself: the group is additive."""
        return algebra

    def inverse(self, element: Tensor) -> Tensor:
        """The opposite constant."""
        return -element

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        """Add to the source, take from readers and opposites."""
        added(self._changes(element, params), target)

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        """The same changes, as a velocity: the action is affine in the constant."""
        return added(self._changes(algebra, params), zeros(params, self.parameters))

    def section(self, params: Params) -> Tensor:
        """Minus the mean of the source."""
        source = self.source.read(params).detach()  # (1, n, k)
        means = (column_sums(source) / source.shape[1]).flatten().cpu()
        if self.along is None:
            return -means
        return -(means.mean() / (1.0 / self.along.read(params).detach().double().cpu()).mean()).reshape(1)

    def _changes(self, element: Tensor, params: Params) -> list[tuple[View, Tensor]]:
        c = element.to(self.source.read(params))
        if self.along is not None:
            c = c / self.along.read(params).flatten()
        changes = [(view, c) for view in (self.source, *self.followers)] + [(view, -c) for view in self.opposite]
        return changes + [taken_back(chain, c, params) for chain in self.readers]
