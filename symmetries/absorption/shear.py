"""The shift of a LayerNorm that is read without bias."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import SymmetryError
from ..factor import EXACT
from ..params import Params, Shapes, Tangent
from ..view import View
from .base import AbstractAbsorption, added, require_last_axis, zeros
from .chain import Chain, require_chain, taken_back

#: Below this share of the size of the shift, its mean is zero: there orbits have another form, and no section.
SINGULAR = 1e-6


@dataclass(frozen=True)
class Shear(AbstractAbsorption):
    r"""The linear maps that fix what a LayerNorm can return up to its shift, pushed from the shift into the readers.

    The normalized activation n has mean zero, so :math:`M = I + w 1^{T}` fixes it, and with :math:`\hat\beta = \beta /
    \gamma` the output is :math:`\Gamma (n + \hat\beta) = \Gamma M (n + M^{-1} \hat\beta)`:

    .. math:: W \mapsto W \Gamma M \Gamma^{-1}, \qquad \beta \mapsto \Gamma M^{-1} \Gamma^{-1} \beta

    for all readers without a bias at once. Readers with a bias, which are free of each other, take the change of
    :math:`\beta` back there. The group is that of the w with :math:`1 + \sum w \ne 0` under the product of the M. The
    section is :math:`\hat\beta = 1`; where :math:`\sum \hat\beta = 0`, as in a new model, no element leads there and
    the shift stays.

    Args:
        name: unique within a model.
        shift: :math:`\beta` as ``(1, 1, k)``.
        readers: the weights without bias, the channels they read last, shape ``(copies, n, k)``.
        gain: :math:`\gamma` as ``(1, 1, k)``; None for a gain of one.
        biased: what takes the change of the shift back for the other readers, see :data:`Chain`.
    """

    name: str
    shift: View
    readers: tuple[View, ...]
    gain: View | None = None
    biased: tuple[Chain, ...] = ()
    family: str = "shift into readers"
    flags: frozenset[str] = frozenset({EXACT})
    stage: ClassVar[int] = 1

    @property
    def views(self) -> tuple[View, ...]:
        """Shift, readers, gain, and the chains of the other readers."""
        gain = () if self.gain is None else (self.gain,)
        return (self.shift, *self.readers, *gain, *(view for chain in self.biased for view in chain))

    @property
    def moved(self) -> tuple[View, ...]:
        """The shift, the readers without bias, and the biases of the others."""
        return (self.shift, *self.readers, *(chain[-1] for chain in self.biased))

    @property
    def pins(self) -> tuple[View, ...]:
        """The shift."""
        return (self.shift,)

    def check(self, shapes: Shapes) -> None:
        """One channel axis for all, a single row of shifts and of gains."""
        rows, k = self.shift.shape(shapes)[:2], self.shift.shape(shapes)[2]
        if rows != (1, 1):
            raise SymmetryError(f"{self.name}: the shift must be read as (1, 1, k), got {(*rows, k)}")
        require_last_axis(self.name, (*self.readers, *(() if self.gain is None else (self.gain,))), k, shapes)
        for chain in self.biased:
            require_chain(self.name, chain, k, shapes)

    def dimension(self, shapes: Shapes) -> int:
        """The number of channels."""
        return self.shift.shape(shapes)[2]

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """The exponential of a Gaussian vector whose sum is of the size ``scale``."""
        return self.exponential(
            scale * self.random_algebra(shapes, generator=generator) / self.dimension(shapes) ** 0.5
        )

    def exponential(self, algebra: Tensor) -> Tensor:
        r""":math:`e^{x 1^{T}} = I + x 1^{T} (e^s - 1) / s` with s the sum of x."""
        s = algebra.sum()
        return algebra * (torch.expm1(s) / s if s != 0 else 1.0)

    def inverse(self, element: Tensor) -> Tensor:
        r""":math:`(I + w 1^{T})^{-1} = I - w 1^{T} / (1 + \sum w)`."""
        return -element / (1 + element.sum())

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        """Move the shift, the readers, and the biases of the other readers."""
        added(self._changes(element, self.inverse(element), params), target)

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        """The changes to first order, where the inverse of w is -w."""
        return added(self._changes(algebra, -algebra, params), zeros(params, self.parameters))

    def section(self, params: Params) -> Tensor | None:
        r""":math:`(\hat\beta - 1) / k`, or None where the sum of :math:`\hat\beta` vanishes."""
        shift = self.shift.read(params).detach()
        unit = (shift / self._gains(params)).flatten().double().cpu()
        return None if unit.sum().abs() <= SINGULAR * unit.abs().sum() else (unit - 1) / len(unit)

    def _gains(self, params: Params) -> Tensor:
        shift = self.shift.read(params).detach()
        return torch.ones_like(shift) if self.gain is None else self.gain.read(params)

    def _changes(self, w: Tensor, inverse: Tensor, params: Params) -> Iterator[tuple[View, Tensor]]:
        shift, gain = self.shift.read(params), self._gains(params)  # (1, 1, k)
        change = gain * inverse.to(shift) * (shift / gain).sum()
        yield self.shift, change
        for view in self.readers:
            rows = view.read(params)  # (copies, n, k)
            yield view, (rows * gain * w.to(rows)).sum(2, keepdim=True) / gain
        for chain in self.biased:
            yield taken_back(chain, change.flatten(), params)
