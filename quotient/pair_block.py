"""Factor pairs of one shape, as one batch."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from symmetries import Covector, Params, Shapes, Symmetry, Tangent

from .balance import balanced
from .block import AbstractBlock
from .coordinates import Coordinates
from .geodesic import AbstractGeodesic
from .horizontal import PairHorizontal
from .metric import AbstractMetric, Gram
from .pullback import Pullback, pulled_back
from .span import Span
from .tall import times


@dataclass(frozen=True)
class PairBatch:
    """The pairs of one shape, and the row conditions that their sections impose (alike for all of them)."""

    pairs: tuple[Symmetry, ...]
    normals: tuple[Tensor, Tensor]

    def stack(self, params: Params, *, covector: bool = False) -> tuple[Tensor, Tensor]:
        """G and H of all pairs, along the copies."""
        standard, dual = zip(*(pair.stack(params, covector=covector) for pair in self.pairs), strict=True)
        return torch.cat(standard), torch.cat(dual)

    def unstack_(self, params: Params, standard: Tensor, dual: Tensor, *, covector: bool = False) -> None:
        """Write G and H back, in place."""
        copies = [pair.copies({name: p.shape for name, p in params.items()}) for pair in self.pairs]
        for pair, g, h in zip(self.pairs, standard.split(copies), dual.split(copies), strict=True):
            pair.unstack_(params, g, h, covector=covector)

    def heads(self, shapes: Shapes) -> list[str]:
        """A name for every copy."""
        return [f"{pair.name} [{copy}]" for pair in self.pairs for copy in range(pair.copies(shapes))]


class PairBlock(AbstractBlock):
    r"""The chart of a batch of factor pairs, in an orthonormal frame of the metric.

    A tangent is :math:`\xi_G = (C x_G)\, m^{-1/2} A` and :math:`\xi_H = (C x_H)\, m'^{-1/2} A^{-H}`, with the balanced
    basis A and the metric's weights m, m' in it. C shortens what lies in the columns of the factor by the root of the
    metric's ``core``; it is symmetric and commutes with the projection, and the identity for most metrics.
    """

    def __init__(
        self,
        batch: PairBatch,
        params: Params,
        metric: AbstractMetric,
        geodesic: AbstractGeodesic,
        damping: float,
    ) -> None:
        self._batch, self._metric, self._geodesic, self._damping = batch, metric, geodesic, damping
        self._reach: float | None = None
        self._factors = batch.stack(params)
        self._own = {name: params[name] for pair in batch.pairs for name in pair.parameters}
        shapes = {name: p.shape for name, p in params.items()}
        self._frame = balanced(*self._factors, damping, batch.heads(shapes))
        scales = (weight.rsqrt().unsqueeze(-1) for weight in metric.weights(self._frame))
        self._frames = tuple(c * a for c, a in zip(scales, self._frame.to_factor, strict=True))  # double
        self._outward = tuple(a.to(g) for a, g in zip(self._frames, self._factors, strict=True))
        self._horizontal = PairHorizontal.of(self._frame, metric)
        self._normals = tuple(n.to(g) for n, g in zip(batch.normals, self._factors, strict=True))
        self._vertical = sum(pair.dimension(shapes) for pair in batch.pairs)

    @cached_property
    def _inward(self) -> tuple[Tensor, ...]:
        """The inverses of the frames; a perturbation needs none."""
        return tuple(torch.linalg.inv(a).to(g) for a, g in zip(self._frames, self._factors, strict=True))

    @property
    def entries(self) -> int:
        """The real entries of both factors."""
        return sum(g.numel() * (1 + g.is_complex()) for g in self._factors)

    @property
    def dimension(self) -> int:
        """Entries, less pinned rows and vertical directions."""
        pinned = sum(
            g[:, 0].numel() * (1 + g.is_complex()) * n.shape[1]
            for g, n in zip(self._factors, self._normals, strict=True)
        )
        return self.entries - pinned - self._vertical

    def zeros(self) -> Coordinates:
        """Two tensors, of the shapes of the stacked factors (and a last axis of 2 over the complex numbers)."""
        return self._real(torch.zeros_like(g) for g in self._factors)

    def vector_(self, tangent: Tangent, x: Coordinates) -> None:
        """``C x m^-1/2 A``."""
        fields = self._scaled(self._field(x), self._metric.core**-0.5)
        self._batch.unstack_(tangent, *(times(a, f) for a, f in zip(fields, self._outward, strict=True)))

    def coordinates(self, tangent: Tangent) -> Coordinates:
        """``C^-1 u A^-1 m^1/2``."""
        fields = (times(u, f) for u, f in zip(self._batch.stack(tangent), self._inward, strict=True))
        return self._real(self._scaled(fields, self._metric.core**0.5))

    def components(self, covector: Covector) -> Coordinates:
        """``C c (m^-1/2 A)^H``."""
        stacked = self._batch.stack(covector, covector=True)
        fields = (times(c, f.mH) for c, f in zip(stacked, self._outward, strict=True))
        return self._real(self._scaled(fields, self._metric.core**-0.5))

    def covector_(self, covector: Covector, x: Coordinates) -> None:
        """``C^-1 x (A^-1 m^1/2)^H``."""
        fields = self._scaled(self._field(x), self._metric.core**0.5)
        stacked = (times(a, f.mH) for a, f in zip(fields, self._inward, strict=True))
        self._batch.unstack_(covector, *stacked, covector=True)

    def project(self, x: Coordinates) -> Coordinates:
        """Off the pinned rows, which the factors themselves are off, and off the vertical directions."""
        off_pins = (a - n @ (n.mH @ a) if n.shape[1] else a for a, n in zip(self._field(x), self._normals, strict=True))
        x_g, x_h = off_pins
        return self._real(self._horizontal((x_g, x_h)))

    def second_moments(self, x: Coordinates) -> Coordinates:
        """For every row of a factor its mean square, times the number of rows."""
        return tuple(a.square().mean(tuple(range(2, a.ndim)), keepdim=True) * a.shape[1] for a in x)

    def ends(self, x: Coordinates) -> tuple[Tensor, ...]:
        """Along the geodesics of the metric; a straight line where damping leaves none."""
        spans = self._spans(x)
        return self._reached(spans, self._coefficients(span.gram() for span in spans))

    def place_(self, params: Params, ends: tuple[Tensor, ...]) -> None:
        """The entries of both factors, in tensors of their own."""
        for name, own in self._own.items():
            if params[name] is own:  # and no other block has moved it before
                params[name] = own.clone()
        standard, dual = ends
        self._batch.unstack_(params, standard, dual)

    def entries_of(self, covector: Covector) -> tuple[Tensor, ...]:
        """Stacked as the factors are."""
        return self._batch.stack(covector, covector=True)

    def linearized(self, x: Coordinates) -> tuple[tuple[Tensor, ...], Pullback]:
        """By hand where matrices are tall, automatically where they are small: no graph holds a tall one."""
        spans = self._spans(tuple(a.detach() for a in x))
        grams = [span.gram() for span in spans]
        leaves = [a.requires_grad_() for gram in grams for a in (gram.m, gram.k)]
        with torch.enable_grad():
            coefficients = self._coefficients(grams)
        fixed = tuple(w.detach() for w in coefficients)

        def pull(covector: Covector) -> Coordinates:
            covectors = self.entries_of(covector)
            slopes = [span.components(c).to(w) for span, c, w in zip(spans, covectors, fixed, strict=True)]
            parts = pulled_back(coefficients, leaves, slopes)
            back = zip(spans, covectors, fixed, parts[::2], parts[1::2], strict=True)
            return self._real(span.pulled(c, w, Gram(mu, kappa)) for span, c, w, mu, kappa in back)

        return self._reached(spans, fixed), pull

    def within(self, radius: float) -> "PairBlock":
        """On the CPU nothing is gained by it: velocities are read, which are shorter than the radius."""
        bounded = copy(self)
        bounded._reach = None if self._factors[0].device.type == "cpu" else radius
        return bounded

    def bending(self, covector: Covector, x: Coordinates) -> Tensor | None:
        """The pairing with the second Taylor coefficient of the geodesics."""
        if self._damping or self._geodesic.order < 2:
            return None
        spans = self._spans(x)
        spray, velocity = self._metric.start(self._frame, [span.gram() for span in spans])
        curves = zip(self.entries_of(covector), spans, spray.second_order(velocity), strict=True)
        return torch.stack([(c.conj() * span.combined(w)).real.double().sum() for c, span, w in curves]).sum()

    def _spans(self, x: Coordinates) -> list[Span]:
        return [Span(q, a, self._reach) for q, a in zip(self._frame.bases, self._field(x), strict=True)]

    def _coefficients(self, grams: Iterable[Gram]) -> tuple[Tensor, ...]:
        """What the geodesics add to the factors, in the columns of their spans."""
        if self._damping:
            return tuple(torch.cat([torch.zeros_like(f), f], dim=-2) for f in self._frames)
        return self._geodesic.displacement(*self._metric.start(self._frame, list(grams)))

    def _reached(self, spans: list[Span], coefficients: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        moved = zip(self._factors, spans, coefficients, strict=True)
        return tuple(span.combined(w, factor) for factor, span, w in moved)

    def _scaled(self, fields: Iterable[Tensor], factor: float) -> tuple[Tensor, ...]:
        """The part in the columns of the factors times a number."""
        if factor == 1.0:
            return tuple(fields)
        return tuple(a + (factor - 1.0) * q @ (q.mH @ a) for a, q in zip(fields, self._frame.bases, strict=True))

    def _field(self, x: Coordinates) -> tuple[Tensor, Tensor]:
        """Real coordinates as matrices over the field of the group."""
        x_g, x_h = (
            torch.complex(*a.unbind(-1)) if g.is_complex() else a for a, g in zip(x, self._factors, strict=True)
        )
        return x_g, x_h

    @staticmethod
    def _real(x: Iterable[Tensor]) -> Coordinates:
        return tuple(torch.view_as_real(a) if a.is_complex() else a for a in x)
