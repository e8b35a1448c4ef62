"""Fixed statistics: what a batch norm in evaluation mode divides by and subtracts."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from .params import Params


@dataclass(frozen=True)
class FixedStatistics:
    r"""Gain and shift of a batch norm in the coordinates where its statistics are folded into them.

    With a mean m and a deviation s that are data, :math:`\gamma (z - m) / s + \beta = \hat\gamma z + \hat\beta` for

    .. math:: \hat\gamma = \gamma / s, \qquad \hat\beta = \beta - m \gamma / s,

    a linear change of coordinates. Symmetries that scale a channel are scalings of :math:`\hat\gamma` and
    :math:`\hat\beta`; on :math:`\gamma` and :math:`\beta` as they are stored, they are not.

    Law: ``unfolded(folded(p)) == p``. Both maps are linear, so that they hold for tangents too.

    Args:
        gain: the name of :math:`\gamma`.
        shift: the name of :math:`\beta`.
        mean: m, of the shape of the gain.
        deviation: s, the root of the variance and eps.
    """

    gain: str
    shift: str
    mean: Tensor
    deviation: Tensor

    def folded(self, params: Params) -> Params:
        """Gain and shift with the statistics folded in; nothing where the gain is not among ``params``."""
        if self.gain not in params:
            return {}
        stored = params[self.gain]
        gain = stored / self.deviation.to(stored)
        return {self.gain: gain, self.shift: params.get(self.shift, 0.0) - self.mean.to(stored) * gain}

    def unfolded(self, params: Params) -> Params:
        """Gain and shift as they are stored."""
        if self.gain not in params:
            return {}
        gain = params[self.gain]
        shift = params.get(self.shift, 0.0) + self.mean.to(gain) * gain
        return {self.gain: gain * self.deviation.to(gain), self.shift: shift}

    def agrees(self, other: "FixedStatistics") -> bool:
        """Whether another norm folds the same way."""
        named = (self.gain, self.shift) == (other.gain, other.shift)
        return named and torch.equal(self.mean, other.mean) and torch.equal(self.deviation, other.deviation)


def folded(params: Params, statistics: Iterable[FixedStatistics]) -> Params:
    """Parameters, or a tangent, with fixed statistics folded in; untouched tensors are shared."""
    return params | {name: value for each in statistics for name, value in each.folded(params).items()}


def unfolded(params: Params, statistics: Iterable[FixedStatistics]) -> Params:
    """The inverse of :func:`folded`."""
    return params | {name: value for each in statistics for name, value in each.unfolded(params).items()}


def fold_(params: Params, statistics: Iterable[FixedStatistics]) -> None:
    """:func:`folded` in place."""
    for each in statistics:
        for name, value in each.folded(params).items():
            params[name].copy_(value)


def unfold_(params: Params, statistics: Iterable[FixedStatistics]) -> None:
    """:func:`unfolded` in place."""
    for each in statistics:
        for name, value in each.unfolded(params).items():
            params[name].copy_(value)
