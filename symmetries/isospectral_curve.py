"""Gains of LayerNorms between two sides that rotate together."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .compression import Compression
from .errors import SymmetryError
from .factor import COUNTED, EXACT, AbstractFactor
from .group import log_uniform
from .params import Params, Shapes, Tangent
from .rotation import Rotation
from .view import View


@dataclass(frozen=True)
class IsospectralCurve(AbstractFactor):
    r"""The one number by which the gain between two rotating sides moves: its spectrum on centred vectors stays.

    What leaves a LayerNorm is centred, and so is what a second LayerNorm sees of it, or the other side of a product of
    two normalized vectors. Of the gain between them, :math:`\Gamma = \mathrm{diag}(\gamma)` or :math:`\mathrm{diag}
    (\gamma_q \gamma_k)`, the compression :math:`P \Gamma P` alone counts, and where both sides may be rotated, its
    spectrum:

    .. math:: P \Gamma_s P = R_s P \Gamma P R_s^{T}, \qquad
              W_{\text{writer}} \mapsto R_s W \text{ on both sides}, \qquad R_s 1 = 1.

    The gains of one spectrum form a curve, :class:`symmetries.compression.Compression`, on which the real numbers act:
    exact for every s, and additive, as long as the gains are distinct. Where two coincide, as all do in a new model,
    the orbit is a point. No source is known. The curve is counted, and left in the ball: its gains change size, which
    every metric sees.

    Elements are numbers s, shape ``(1,)``.

    Args:
        name: unique within a model.
        gain: the gain that moves, ``(1, d, 1)``.
        rotation: of everything on the two sides; it must fix the all-ones vector.
        partner: a gain that multiplies it and stays, ``(1, d, 1)``, or None.
    """

    name: str
    gain: View
    rotation: Rotation
    partner: View | None = None
    family: str = "isospectral curve"
    flags: frozenset[str] = frozenset({EXACT, COUNTED})

    @property
    def views(self) -> tuple[View, ...]:
        """The gains, and all that rotates."""
        return (*self._gains, *self.rotation.views)

    @property
    def _gains(self) -> tuple[View, ...]:
        return (self.gain,) if self.partner is None else (self.gain, self.partner)

    def check(self, shapes: Shapes) -> None:
        """The width of the rotation for the gains, which it must not read."""
        self.rotation.check(shapes)
        if not self.rotation.fixes_ones or self.gain in self.rotation.views:
            raise SymmetryError(
                f"{self.name}: expected a rotation with fixes_ones=True that leaves {self.gain.parameter!r} alone"
            )
        d = self.rotation.views[0].shape(shapes)[1]
        for view in self._gains:
            if view.shape(shapes) != (1, d, 1) or d < 2:
                raise SymmetryError(
                    f"{self.name}: expected a gain of {max(d, 2)} channels, read as (1, n, 1), in {view.parameter!r}, "
                    f"got shape {view.shape(shapes)}"
                )

    def dimension(self, shapes: Shapes) -> int:
        """One."""
        return 1

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """The logarithm of ``scale`` times a ratio log-uniform over ``[condition^-1/2, condition^1/2]``."""
        return log_uniform(1, condition=condition, generator=generator) + math.log(scale)

    def random_algebra(self, shapes: Shapes, *, generator: torch.Generator | None) -> Tensor:
        """A Gaussian number, shape ``(1,)``."""
        return torch.randn(1, generator=generator, dtype=torch.float64)

    def exponential(self, algebra: Tensor) -> Tensor:
        """The number itself: the group is additive."""
        return algebra

    def inverse(self, element: Tensor) -> Tensor:
        """The opposite number."""
        return -element

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        """Move the gain, rotate both sides."""
        start = self._compression(params)
        if start.is_degenerate:
            return
        end = Compression.of(start.along(element))
        self.rotation.act_into(start.rotation_to(end), params, target)
        self.gain.write_(target, self._alone(end.gains, params))

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        """The velocity of the gain, and the angular velocity of both sides."""
        tangent = {name: torch.zeros_like(params[name]) for name in self.parameters}
        start = self._compression(params)
        if start.is_degenerate:
            return tangent
        tangent |= self.rotation.infinitesimal(algebra * start.angular_velocity, params)
        self.gain.add_(tangent, self._alone(algebra * start.velocity, params))
        return tangent

    def section(self, params: Params) -> None:
        """None: no section is taken."""
        return

    def _compression(self, params: Params) -> Compression:
        """That of the product of the gains, in double precision."""
        gains = self.gain.read(params).flatten()
        partner = 1.0 if self.partner is None else self.partner.read(params).flatten()
        return Compression.of((gains * partner).double().cpu())

    def _alone(self, gains: Tensor, params: Params) -> Tensor:
        """What the partner leaves of a product of gains, as the gain's view has it."""
        shaped = gains[None, :, None].to(self.gain.read(params))
        return shaped if self.partner is None else shaped / self.partner.read(params)
