"""Factor pairs of two models in the columns that both of them span."""

from collections import defaultdict
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from symmetries import ModelSymmetry, Params, Symmetry, Tangent, View

from .coordinates import Coordinates
from .geometry import AbstractChart
from .quotient import Quotient

_PATTERN = {"real": "copies n h -> copies n h", "complex": "copies n h pair -> copies n h pair"}
_NAMES = ("standard", "dual")


@dataclass(frozen=True)
class JointSpan:
    r"""The pairs of one shape at two points, in orthonormal bases of what the columns of both span.

    Reflections that keep the columns of :math:`[G_a\; G_b]` are isometries, and so are those for H: pairs with all
    their columns there are totally geodesic. Geodesics between the two are those of factors with at most 2h rows.

    Attributes:
        pairs: of the model, whose copies are stacked.
        bases: of either side of every pair, shapes ``(copies, n, r)``.
        geometry: of the stack, with parameters ``standard`` and ``dual``.
        start: the stack at the first point, double precision.
        target: at the second.
        aside: by how much the way from one to the other sets out beside the straight line.
    """

    pairs: tuple[Symmetry, ...]
    bases: tuple[tuple[Tensor, Tensor], ...]
    geometry: Quotient
    start: Params
    target: Params
    aside: Params

    @classmethod
    def all_of(cls, geometry: Quotient, a: Params, b: Params) -> list["JointSpan"]:
        """Those of every shape, from two points of the section in the coordinates of the factors."""
        shapes: dict[object, list[Symmetry]] = defaultdict(list)
        for pair in geometry.symmetry.pairs:
            shapes[pair.group, pair.rows({name: p.shape for name, p in a.items()})].append(pair)
        return [cls._of(geometry, tuple(pairs), a, b) for pairs in shapes.values()]

    @classmethod
    def _of(cls, geometry: Quotient, pairs: tuple[Symmetry, ...], a: Params, b: Params) -> "JointSpan":
        ends = [(pair.stack(a), pair.stack(b)) for pair in pairs]
        bases = [tuple(torch.linalg.qr(torch.cat(both, dim=-1)).Q for both in zip(*end, strict=True)) for end in ends]
        start, target = (
            {
                name: _stored(torch.cat([q[side].mH @ end[at][side] for q, end in zip(bases, ends, strict=True)]))
                for side, name in enumerate(_NAMES)
            }
            for at in (0, 1)
        )
        group = pairs[0].group
        standard, dual = (View(name, _PATTERN[group.field]) for name in _NAMES)
        narrow = Symmetry(group, (standard,), (dual,))
        symmetry = ModelSymmetry((narrow,), {name: p.shape for name, p in start.items()})
        small = replace(geometry, symmetry=symmetry)
        straight = {name: torch.zeros_like(p) for name, p in start.items()}
        return cls(pairs, tuple((q[0], q[1]) for q in bases), small, start, target, straight)

    @property
    def copies(self) -> int:
        """How many pairs there are."""
        return len(self.start["standard"])

    def chart(self) -> AbstractChart:
        """At the start."""
        return self.geometry.chart(self.start)

    def products(self, params: Params) -> Tensor:
        """:math:`G H^{H}` of every copy: what the function depends on, shape ``(copies, r, r')``."""
        (pair,) = self.geometry.symmetry.pairs
        standard, dual = pair.stack(params)
        return standard @ dual.mH

    def way(self, fraction: Tensor) -> Params:
        """From the start at the fraction 0 to the target at 1, for every copy its own: shape ``(copies,)``."""
        there: Params = {}
        for name, p in self.start.items():
            gone = fraction.view(-1, *[1] * (p.ndim - 1))
            there[name] = p + gone * (self.target[name] - p + (1.0 - gone) * self.aside[name])
        return there

    def mirrored(self) -> "JointSpan":
        r"""With another point of the target's orbit, on the other side of the start.

        The target is aligned where :math:`G_b^H G_a + H_b^H H_a` is positive. Along its last eigenvector the two models
        are the least alike, and the mirror image is nearly as close.
        """
        (pair,) = self.geometry.symmetry.pairs
        (g_a, h_a), (g_b, h_b) = pair.stack(self.start), pair.stack(self.target)
        likeness = g_b.mH @ g_a + h_b.mH @ h_a
        least = torch.linalg.eigh((likeness + likeness.mH) / 2).eigenvectors[..., :1]
        image = {name: p.clone() for name, p in self.target.items()}
        pair.unstack_(image, *(y - 2.0 * y @ least @ least.mH for y in (g_b, h_b)))
        return replace(self, target=image)

    def detoured(self, generator: torch.Generator, size: float) -> "JointSpan":
        """With a way that sets out in a random direction, for every copy ``size`` times as far as its target is."""
        aside: Params = {}
        for name, p in self.start.items():
            draw = torch.randn(p.shape, dtype=p.dtype, generator=generator).to(p.device)
            far, drawn = (v.flatten(1).norm(dim=1).view(-1, *[1] * (p.ndim - 1)) for v in (self.target[name] - p, draw))
            aside[name] = draw * (size * far / drawn)
        return replace(self, aside=aside)

    def only(self, copies: Tensor) -> "JointSpan":
        """The copies of those numbers; :meth:`lift_` takes velocities of all copies."""
        start, target, aside = (
            {name: p[copies] for name, p in params.items()} for params in (self.start, self.target, self.aside)
        )
        shapes = {name: p.shape for name, p in start.items()}
        small = replace(self.geometry, symmetry=replace(self.geometry.symmetry, shapes=shapes))
        return replace(self, geometry=small, start=start, target=target, aside=aside)

    def lift_(self, tangent: Tangent, x: Coordinates) -> None:
        """Write the velocity with these coordinates into a tangent of the model at the first point."""
        (narrow,) = self.geometry.symmetry.pairs
        standard, dual = narrow.stack(self.chart().vector(x))
        counts = [len(q) for q, _ in self.bases]
        for pair, (q, r), v, w in zip(self.pairs, self.bases, standard.split(counts), dual.split(counts), strict=True):
            pair.unstack_(tangent, q @ v, r @ w)


def _stored(factor: Tensor) -> Tensor:
    return torch.view_as_real(factor) if factor.is_complex() else factor
