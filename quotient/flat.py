"""The two geometries whose balls are ellipsoids: Euclidean and adaptive."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from symmetries import Covector, Params, Tangent, require_finite, whole

from .coordinates import Coordinates
from .geometry import AbstractChart, AbstractGeometry
from .pullback import Pullback

Scope = Literal["elementwise", "filterwise", "tensorwise"]


@dataclass(frozen=True)
class Euclidean(AbstractGeometry):
    r"""The metric :math:`\sum \xi^2`, with straight lines: standard sharpness, and SAM [Foret2021]."""

    def chart(self, params: Params) -> "FlatChart":
        """The frame is the identity."""
        require_finite(params)
        params = {name: p.detach() for name, p in params.items()}
        return FlatChart(params, {name: torch.ones((), dtype=p.dtype, device=p.device) for name, p in params.items()})


@dataclass(frozen=True)
class Adaptive(AbstractGeometry):
    r"""The metric :math:`\sum (\xi_i / T_i)^2` with straight lines: adaptive sharpness, and ASAM [Kwon2021].

    ``elementwise``: :math:`T_i = |w_i| + \eta`. ``filterwise``: the norm of the row (output unit or filter) that holds
    the entry. ``tensorwise``: the Frobenius norm of the whole tensor, so that :math:`\|\xi\| = \|\xi\|_F / \|W\|_F`.

    With :math:`\eta = 0`, an exactly zero entry (row, tensor) has :math:`T = 0`: it stays where it is, has no part in
    norms, and never gives 0/0.

    Args:
        scope: what shares one scale.
        eta: added to every scale (0.01 in the class of [Kwon2021], 0 in its examples).
        biases: False leaves one-dimensional parameters unscaled (:math:`T = 1`), as [Kwon2021] does.
    """

    scope: Scope = "elementwise"
    eta: float = 0.0
    biases: bool = True

    def __post_init__(self) -> None:
        if self.scope not in ("elementwise", "filterwise", "tensorwise"):
            raise ValueError(f"scope must be 'elementwise', 'filterwise' or 'tensorwise', got {self.scope!r}")
        if not self.eta >= 0:
            raise ValueError(f"eta must not be negative, got {self.eta}")

    def chart(self, params: Params) -> "FlatChart":
        """The frame is the diagonal T."""
        require_finite(params)
        params = {name: p.detach() for name, p in params.items()}
        return FlatChart(params, {name: self.scale(p) for name, p in params.items()}, relative=True)

    def scale(self, w: Tensor) -> Tensor:
        """T, of a shape that broadcasts to the parameter's."""
        if not self.biases and w.ndim <= 1:
            return torch.ones((), dtype=w.dtype, device=w.device)
        if self.scope == "elementwise" or w.ndim == 0:
            return w.detach().abs() + self.eta if self.eta else w.detach().abs()
        dims = tuple(range(w.ndim)) if self.scope == "tensorwise" or w.ndim == 1 else tuple(range(1, w.ndim))
        return torch.linalg.vector_norm(w.detach(), dim=dims, keepdim=True) + self.eta


@dataclass(frozen=True)
class FlatChart(AbstractChart):
    """Straight lines in a diagonal frame.

    Args:
        point: the parameters.
        scales: the frame; they broadcast to the parameters.
        relative: whether they are sizes of the parameters.
    """

    point: Params
    scales: dict[str, Tensor]
    relative: bool = False

    @property
    def dimension(self) -> int:
        """The number of entries whose scale is not zero."""
        return sum(int(whole((s != 0).expand(self.point[name].shape).sum())) for name, s in self.scales.items())

    @property
    def is_straight(self) -> bool:
        return True

    def zeros(self) -> Coordinates:
        """One tensor for each parameter."""
        return tuple(torch.zeros_like(p) for p in self.point.values())

    def vector(self, x: Coordinates) -> Tangent:
        """``T x``."""
        return {name: self.scales[name] * a for name, a in zip(self.point, x, strict=True)}

    def coordinates(self, tangent: Tangent) -> Coordinates:
        """``u / T``, and 0 where T is 0."""
        return tuple(tangent[name] * reciprocal(self.scales[name]) for name in self.point)

    def components(self, covector: Covector) -> Coordinates:
        """``T c``."""
        return tuple(covector[name] * self.scales[name] for name in self.point)

    def covector(self, x: Coordinates) -> Covector:
        """``x / T``, and 0 where T is 0."""
        return {name: a * reciprocal(self.scales[name]) for name, a in zip(self.point, x, strict=True)}

    def project(self, x: Coordinates) -> Coordinates:
        """Only entries whose scale is zero are removed: nothing moves them."""
        return tuple(
            a * (self.scales[name] != 0) if name in self._vanishing else a
            for name, a in zip(self.point, x, strict=True)
        )

    @cached_property
    def _vanishing(self) -> frozenset[str]:
        return vanishing(self.scales.items())

    def second_moments(self, x: Coordinates) -> Coordinates:
        """The square of every coordinate, times the number of entries whose size is its unit."""
        shared = (a.numel() // s.numel() if self.relative else 1 for a, s in zip(x, self.scales.values(), strict=True))
        return tuple(a.square() * n for a, n in zip(x, shared, strict=True))

    def linearized(self, x: Coordinates, *, into: Params | None = None) -> tuple[Params, Pullback]:
        """Lines are straight: the gradient is ``T c`` everywhere, and zero where T is."""
        memory = into or {}
        with torch.no_grad():
            end = {
                name: torch.addcmul(w, self.scales[name], a, out=memory.get(name))
                for (name, w), a in zip(self.point.items(), x, strict=True)
            }
        if into is None:
            return end, self.components
        return end, lambda covector: tuple(covector[name].mul_(self.scales[name]) for name in self.point)

    def exp(self, x: Coordinates) -> Params:
        """``point + T x``."""
        ends = zip(self.point.items(), self.scales.values(), x, strict=True)
        return {name: torch.addcmul(w, s, a) for (name, w), s, a in ends}


def vanishing(frame: Iterable[tuple[str, Tensor]]) -> frozenset[str]:
    """The names of tensors with an entry that is zero; one synchronisation."""
    zeros = {name: s.numel() - s.count_nonzero() for name, s in frame}
    counts = whole(torch.stack(list(zeros.values()))).tolist() if zeros else []
    return frozenset(name for name, n in zip(zeros, counts, strict=True) if n)


def reciprocal(scale: Tensor) -> Tensor:
    """``1 / scale`` with 0 for 1/0: a direction in which the frame vanishes has no coordinate."""
    return torch.where(scale == 0, 0.0, 1.0 / torch.where(scale == 0, 1.0, scale))
