"""Gains that fold into the maps that read them."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import SymmetryError
from ..factor import EXACT
from ..group import log_uniform
from ..params import Params, Shapes, Tangent
from ..rescaling import write_scaled
from ..view import View
from .base import AbstractAbsorption, require_last_axis


@dataclass(frozen=True)
class Gain(AbstractAbsorption):
    r"""A gain per channel, folded into what reads the channel.

    .. math:: (\gamma, \beta) \mapsto (\lambda \gamma, \lambda \beta), \quad W \mapsto W\, \mathrm{diag}(\lambda)^{-1}

    for every reader W, with :math:`\lambda \in (\mathbb{R}^*)^k`: the gain of a norm whose readers are all linear, or a
    layer scale with its writer in the place of the readers. The section is :math:`\gamma = 1`, in the mean where
    several gains share a factor, as the two of a plane that a rotary embedding turns.

    Law: the readers must be complete; one reader left out makes the family false.

    Args:
        name: unique within a model.
        gain: the view of :math:`\gamma`, shape ``(1, n, k)``, with one factor for each column.
        readers: views of the readers, the channel last, shape ``(copies, n, k)``.
        followers: views that scale with the gain, e.g. the shift of the norm, shape ``(copies, n, k)``.
    """

    name: str
    gain: View
    readers: tuple[View, ...]
    followers: tuple[View, ...] = ()
    family: str = "gain into readers"
    flags: frozenset[str] = frozenset({EXACT})
    stage: ClassVar[int] = 0

    @property
    def views(self) -> tuple[View, ...]:
        """Gain, followers, readers."""
        return (self.gain, *self.followers, *self.readers)

    @property
    def moved(self) -> tuple[View, ...]:
        """All of them."""
        return self.views

    @property
    def pins(self) -> tuple[View, ...]:
        """The gain, held at 1 in the mean of its rows."""
        return (self.gain.stored,)

    def check(self, shapes: Shapes) -> None:
        """One channel axis for all, and gains without copies."""
        copies, n, k = self.gain.shape(shapes)
        if copies != 1:
            raise SymmetryError(f"{self.name}: the gain must be read as (1, n, k), got {(copies, n, k)}")
        require_last_axis(self.name, self.views, k, shapes)

    def dimension(self, shapes: Shapes) -> int:
        """The number of channels."""
        return self.gain.shape(shapes)[2]

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """Positive scalings, log-uniform over ``scale`` times ``[condition^-1/2, condition^1/2]``."""
        return scale * log_uniform(self.dimension(shapes), condition=condition, generator=generator).exp()

    def exponential(self, algebra: Tensor) -> Tensor:
        """Elementwise."""
        return algebra.exp()

    def inverse(self, element: Tensor) -> Tensor:
        """Elementwise."""
        return 1.0 / element

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        """Scale gain and followers, divide the readers."""
        factor = element.to(params[self.gain.parameter])
        write_scaled(self.gain, params, target, factor)
        for view in self.followers:
            write_scaled(view, params, target, factor)
        for view in self.readers:
            write_scaled(view, params, target, 1.0 / factor)

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        r""":math:`(x \gamma, x \beta, -W \operatorname{diag} x)`."""
        tangent = {name: torch.zeros_like(params[name]) for name in self.parameters}
        gain = self.gain.read(params)
        rate = algebra.to(gain)
        for view in (self.gain, *self.followers):
            view.stored.write_(tangent, view.read(params) * rate)
        for view in self.readers:
            view.stored.write_(tangent, -view.read(params) * rate)
        return tangent

    def section(self, params: Params) -> Tensor:
        r""":math:`1 / \gamma`.

        Raises:
            SymmetryError: a gain that is exactly zero: its channel is dead and cannot be folded.
        """
        gain = self.gain.read(params).detach()[0].double().mean(0).cpu()
        dead = torch.nonzero(gain == 0).flatten().tolist()
        if dead:
            raise SymmetryError(
                f"{self.name}: gain {self.gain.parameter!r} is zero in channels {dead[:8]}, so it cannot be folded "
                "into its readers; prune those channels, or leave this factor out of the symmetry"
            )
        return 1.0 / gain
