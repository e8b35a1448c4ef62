"""Mean directions that a normalization or a softmax does not see."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import SymmetryError
from ..factor import EXACT
from ..params import Params, Shapes, Tangent
from ..stacks import column_sums
from ..view import View
from .base import AbstractAbsorption, Change, added, zeros
from .chain import Chain, require_chain, taken_back

Channels = View | tuple[float, ...]
"""A vector along a normalized axis: a parameter, or the values of one that is not trained."""


@dataclass(frozen=True)
class WriterMean(AbstractAbsorption):
    r"""The common component of all channels a map writes, removed by every LayerNorm that reads them.

    .. math:: W \mapsto W + (1 / \gamma) u^{T}, \qquad b \mapsto b + s / \gamma

    for a writer of a residual stream that only LayerNorms read, with :math:`\gamma` the layer scale on its way there,
    or 1; also for an unembedding under softmax (flag ``softmax``). The section is a writer whose columns have zero mean
    over the channels.

    Args:
        name: unique within a model.
        writers: views ``(copies, n, h)`` with the channels along *n*; each column of each may be shifted.
        gain: :math:`\gamma` as ``(1, n, 1)``; None for a gain of one.
    """

    name: str
    writers: tuple[View, ...]
    gain: View | None = None
    family: str = "mean of writers"
    flags: frozenset[str] = frozenset({EXACT})
    stage: ClassVar[int] = 3

    @property
    def views(self) -> tuple[View, ...]:
        """The writers, and the gain where there is one."""
        return self.writers if self.gain is None else (*self.writers, self.gain)

    @property
    def moved(self) -> tuple[View, ...]:
        """The writers."""
        return self.writers

    @property
    def pins(self) -> tuple[View, ...]:
        """The writers, of zero mean over the channels."""
        return self.writers

    def check(self, shapes: Shapes) -> None:
        """All writers, and the gain, must have the same number of channels."""
        channels = {view.shape(shapes)[1] for view in self.views}
        if len(channels) != 1:
            raise SymmetryError(f"{self.name}: writers of one stream must agree in channels, got {sorted(channels)}")

    def _columns(self, shapes: Shapes) -> list[int]:
        return [copies * h for copies, _, h in (view.shape(shapes) for view in self.writers)]

    def dimension(self, shapes: Shapes) -> int:
        """The number of columns."""
        return sum(self._columns(shapes))

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """Gaussian shifts of standard deviation ``scale``."""
        return scale * self.random_algebra(shapes, generator=generator)

    def exponential(self, algebra: Tensor) -> Tensor:
        """The shifts themselves: the group is additive."""
        return algebra

    def inverse(self, element: Tensor) -> Tensor:
        """The opposite shifts."""
        return -element

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        r"""Add a multiple of :math:`1 / \gamma` to every column."""
        added(self._shifts(element, params), target)

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        """The same changes, as a velocity: the action is affine in the shifts."""
        return added(self._shifts(algebra, params), zeros(params, self.parameters))

    def section(self, params: Params) -> Tensor:
        """Minus the sum of every column, over the sum of the inverse gains."""
        sums = []
        for view in self.writers:
            columns = view.read(params).detach()  # (copies, n, h)
            across = column_sums(inverse_gain(self.gain, columns, params).detach())
            sums.append((column_sums(columns) / across).flatten().cpu())
        return -torch.cat(sums)

    def _shifts(self, element: Tensor, params: Params) -> Iterator[Change]:
        shapes = {name: params[name].shape for name in self.parameters}
        for view, shift in zip(self.writers, element.split(self._columns(shapes)), strict=True):
            columns = view.read(params)
            by_column = shift.to(columns).reshape(columns.shape[0], 1, columns.shape[2])
            yield view, by_column, inverse_gain(self.gain, columns, params)


@dataclass(frozen=True)
class ReaderMean(AbstractAbsorption):
    r"""The component of a reader that a LayerNorm makes constant.

    A normalized activation :math:`x = \gamma \hat n + \beta` has :math:`\sum_i (x_i - \beta_i) / \gamma_i = 0`, so

    .. math:: W \mapsto W + v (1 / \gamma)^{T}, \qquad b \mapsto b - v \sum_i \beta_i / \gamma_i

    changes no output (with :math:`1 / \gamma` in units of its largest entry). Free of the norm's eps. The section is a
    reader whose rows sum to zero (in channels where the gain is 1, to which :class:`Gain` moves first).

    Args:
        name: unique within a model.
        reader: the weight with the channels it reads along *n*, shape ``(copies, k, h)``.
        bias: its bias, shape ``(1, 1, h)``, summed over copies; None where the shift is zero or the constant invisible.
        gain: :math:`\gamma` as ``(1, k, 1)``, or its k values where it is not trained; None for a gain of one.
        shift: :math:`\beta`, likewise; None for a shift of zero.
        readers: what takes the constant back behind a reader without bias, as in :class:`Shift`.
    """

    name: str
    reader: View
    bias: View | None = None
    gain: Channels | None = None
    shift: Channels | None = None
    readers: tuple[Chain, ...] = ()
    family: str = "mean of readers"
    flags: frozenset[str] = frozenset({EXACT})
    stage: ClassVar[int] = 2

    @property
    def views(self) -> tuple[View, ...]:
        """Reader, bias, gain, shift, those that are there, and the views of the chains."""
        own = tuple(view for view in (self.reader, self.bias, self.gain, self.shift) if isinstance(view, View))
        return (*own, *(view for chain in self.readers for view in chain))

    @property
    def moved(self) -> tuple[View, ...]:
        """The reader, and the bias that takes its constant back."""
        bias = () if self.bias is None else (self.bias,)
        return (self.reader, *bias, *(chain[-1] for chain in self.readers))

    @property
    def pins(self) -> tuple[View, ...]:
        """The reader, whose rows sum to zero."""
        return (self.reader,)

    def check(self, shapes: Shapes) -> None:
        """Gain and shift must have the reader's channels, the bias its rows."""
        _, k, h = self.reader.shape(shapes)
        for view, expected in ((self.gain, (1, k, 1)), (self.shift, (1, k, 1)), (self.bias, (1, 1, h))):
            if isinstance(view, tuple) and len(view) != k:
                raise SymmetryError(f"{self.name}: expected {k} values of a gain or shift, got {len(view)}")
            if isinstance(view, View) and view.shape(shapes) != expected:
                raise SymmetryError(
                    f"{self.name}: expected {view.parameter!r} to read as {expected}, got {view.shape(shapes)}"
                )
        for chain in self.readers:
            require_chain(self.name, chain, h, shapes)

    def dimension(self, shapes: Shapes) -> int:
        """One for each row of the reader (times its copies)."""
        copies, _, h = self.reader.shape(shapes)
        return copies * h

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """Gaussian shifts of standard deviation ``scale``."""
        return scale * self.random_algebra(shapes, generator=generator)

    def exponential(self, algebra: Tensor) -> Tensor:
        """The shifts themselves: the group is additive."""
        return algebra

    def inverse(self, element: Tensor) -> Tensor:
        """The opposite shifts."""
        return -element

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        r"""Add :math:`v (1 / \gamma)^{T}` to the reader and take its constant from the bias."""
        added(self._changes(element, params), target)

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        """The same changes, as a velocity: the action is affine in v."""
        return added(self._changes(algebra, params), zeros(params, self.parameters))

    def section(self, params: Params) -> Tensor:
        """Minus the sum of every row, over the sum of the inverse gains."""
        rows = self.reader.read(params).detach()  # (copies, k, h)
        along = column_sums(inverse_gain(self.gain, rows, params).detach())
        return -(column_sums(rows) / along).flatten().cpu()

    def _changes(self, v: Tensor, params: Params) -> Iterator[Change]:
        rows = self.reader.read(params)
        along = inverse_gain(self.gain, rows, params)  # (1, k, 1)
        by_copy = v.to(rows).reshape(rows.shape[0], 1, rows.shape[2])
        yield self.reader, by_copy, along
        if self.shift is not None:
            constant = (channel_values(self.shift, rows, params) * along).sum() * by_copy.sum(
                0, keepdim=True
            )  # (1, 1, h)
            if self.bias is not None:
                yield self.bias, -constant
            for chain in self.readers:
                yield taken_back(chain, constant.flatten(), params)


def channel_values(vector: Channels, channels: Tensor, params: Params) -> Tensor:
    """A vector along the channels of a view, shape ``(1, n, 1)``."""
    return vector.read(params) if isinstance(vector, View) else channels.new_tensor(vector).reshape(1, -1, 1)


def inverse_gain(gain: Channels | None, channels: Tensor, params: Params) -> Tensor:
    r""":math:`\min_j |\gamma_j| / \gamma` for the channels of a view, shape ``(1, n, 1)``; ones where there is no gain.

    The direction :math:`1 / \gamma`, with entries of at most 1: pretrained norms have channels with gains near zero.
    """
    if gain is None:
        return channels.new_ones(1, channels.shape[1], 1)
    gamma = channel_values(gain, channels, params)
    return gamma.abs().amin() / gamma
