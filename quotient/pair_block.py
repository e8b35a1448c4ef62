"""Factor pairs of one shape, as one batch."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from symmetries import Covector, Params, Shapes, Symmetry, Tangent, portions, stacks

from .balance import balanced
from .block import AbstractBlock
from .coordinates import Coordinates
from .geodesic import AbstractGeodesic
from .horizontal import PairHorizontal
from .metric import AbstractMetric, Gram
from .pullback import Pullback, pulled_back
from .span import Span
from .tall import tall, without, without_


@dataclass(frozen=True)
class PairBatch:
    """The pairs of one shape, and the row conditions that their sections impose (alike for all of them)."""

    pairs: tuple[Symmetry, ...]
    normals: tuple[Tensor, Tensor]

    def stack(self, params: Params, *, covector: bool = False) -> tuple[Tensor, Tensor]:
        """G and H of all pairs, along the copies, in memory of their own."""
        standard, dual = self._memory(params)
        copies = self._copies(params)
        for pair, g, h in zip(self.pairs, portions(standard, copies, 0), portions(dual, copies, 0), strict=True):
            pair.stack_into_(params, g, h, covector=covector)
        return standard, dual

    def _memory(self, params: Params) -> tuple[Tensor, Tensor]:
        """For G and H; what lies side by side in the parameters does so there, to be copied in long runs."""
        first, copies = self.pairs[0], sum(self._copies(params))
        weight = params[first.moved[0].parameter]
        like = weight.new_empty(0, dtype=weight.dtype.to_complex() if first.group.field == "complex" else None)
        rows = first.rows({name: params[name].shape for name in first.parameters})
        standard, dual = (
            tall(copies, n, first.group.h, like, across=views[0].is_across(params))
            for n, views in zip(rows, first.sides, strict=True)
        )
        return standard, dual

    def _copies(self, params: Params) -> list[int]:
        return [pair.copies({name: params[name].shape for name in pair.parameters}) for pair in self.pairs]

    def unstack_(self, params: Params, standard: Tensor, dual: Tensor, *, covector: bool = False) -> None:
        """Write G and H back, in place."""
        copies = self._copies(params)
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
        self._own = {name: params[name] for pair in batch.pairs for name in pair.parameters}
        shapes = {name: p.shape for name, p in self._own.items()}
        self._frame = balanced(*batch.stack(self._own), damping, batch.heads(shapes)).narrowed()
        self._horizontal = PairHorizontal(self._frame, metric)
        self._normals = tuple(n.to(q) for n, q in zip(batch.normals, self._frame.bases, strict=True))
        self._vertical = sum(pair.dimension(shapes) for pair in batch.pairs)

    @property
    def _outward(self) -> tuple[Tensor, ...]:
        """``m^-1/2 A``, anew: it costs nothing beside a product with a factor, and memory while gradients are taken."""
        scales = (weight.rsqrt().unsqueeze(-1) for weight in self._metric.weights(self._frame))
        return tuple((c * a).to(a) for c, a in zip(scales, self._frame.to_factor, strict=True))

    @cached_property
    def _inward(self) -> tuple[Tensor, ...]:
        """The inverses; a perturbation needs none."""
        inverses = (torch.linalg.inv(a.to(torch.promote_types(a.dtype, torch.float64))) for a in self._outward)
        return tuple(inverse.to(q) for inverse, q in zip(inverses, self._frame.bases, strict=True))

    @property
    def entries(self) -> int:
        """The real entries of both factors."""
        return sum(q.numel() * (1 + q.is_complex()) for q in self._frame.bases)

    @property
    def dimension(self) -> int:
        """Entries, less pinned rows and vertical directions."""
        pinned = sum(
            q[:, 0].numel() * (1 + q.is_complex()) * n.shape[1]
            for q, n in zip(self._frame.bases, self._normals, strict=True)
        )
        return self.entries - pinned - self._vertical

    @property
    def tensors(self) -> int:
        """One for either factor."""
        return len(self._frame.bases)

    def zeros(self) -> Coordinates:
        """Two tensors, of the shapes of the stacked factors (and a last axis of 2 over the complex numbers)."""
        return self._real(torch.zeros_like(q) for q in self._frame.bases)

    def vector_(self, tangent: Tangent, x: Coordinates) -> None:
        """``C x m^-1/2 A``."""
        fields = self._scaled(self._field(x), self._metric.core**-0.5)
        self._batch.unstack_(tangent, *(stacks.times(a, f.to(a)) for a, f in zip(fields, self._outward, strict=True)))

    def coordinates(self, tangent: Tangent) -> Coordinates:
        """``C^-1 u A^-1 m^1/2``."""
        fields = (stacks.times(u, f) for u, f in zip(self._batch.stack(tangent), self._inward, strict=True))
        return self._real(self._scaled(fields, self._metric.core**0.5))

    def components(self, covector: Covector) -> Coordinates:
        """``C c (m^-1/2 A)^H``."""
        stacked = self._batch.stack(covector, covector=True)
        fields = (stacks.times(c, f.to(c).mH) for c, f in zip(stacked, self._outward, strict=True))
        return self._real(self._scaled(fields, self._metric.core**-0.5))

    def covector_(self, covector: Covector, x: Coordinates) -> None:
        """``C^-1 x (A^-1 m^1/2)^H``."""
        fields = self._scaled(self._field(x), self._metric.core**0.5)
        stacked = (stacks.times(a, f.mH) for a, f in zip(fields, self._inward, strict=True))
        self._batch.unstack_(covector, *stacked, covector=True)

    def project(self, x: Coordinates) -> Coordinates:
        """Off the pinned rows, which the factors themselves are off, and off the vertical directions."""
        x_g, x_h = map(without, self._field(x), self._normals)
        return self._real(self._horizontal((x_g, x_h)))

    def second_moments(self, x: Coordinates) -> Coordinates:
        """For every row of a factor its mean square, times the number of rows."""
        return tuple(a.square().mean(tuple(range(2, a.ndim)), keepdim=True) * a.shape[1] for a in x)

    def ends(self, x: Coordinates) -> tuple[Tensor, ...]:
        """Along the geodesics of the metric; a straight line where damping leaves none."""
        spans = self._spans(x)
        return self._reached(spans, self._coefficients(span.gram() for span in spans))

    def place_(self, params: Params, ends: tuple[Tensor, ...], into: Params) -> None:
        """The entries of both factors, in tensors of their own."""
        for name, own in self._own.items():
            if params[name] is own:  # and no other block has moved it before
                params[name] = into[name] if name in into else own.clone()
        standard, dual = ends
        self._batch.unstack_(params, standard, dual)

    def entries_of(self, covector: Covector) -> tuple[Tensor, ...]:
        """Stacked as the factors are."""
        return self._batch.stack(covector, covector=True)

    def linearized(
        self, x: Coordinates, *, horizontal: bool, into: Params | None
    ) -> tuple[tuple[Tensor, ...], Pullback]:
        r"""By hand where matrices are tall, automatically where they are small: no graph holds a tall one.

        A covector c pairs with the columns' coefficients W as :math:`[Q\; X]^{H} c`; with the gradients
        :math:`\mu, \kappa` of that in M and K, it is pulled back to
        :math:`c\, W_X^{H} + Q \mu^{H} + X (\kappa + \kappa^{H})`. The horizontal projection adds to what Q is times.
        """
        spans = self._spans(tuple(a.detach() for a in x))
        ends = self._batch.stack(self._own)
        with torch.no_grad():
            grams = [span.gram() for span in spans]
            for end, span, w in zip(ends, spans, self._coefficients(grams), strict=True):
                span.add_(end, w)

        return ends, lambda covector: self._pulled(spans, grams, covector, horizontal)

    def _pulled(self, spans: list[Span], grams: list[Gram], covector: Covector, horizontal: bool) -> Coordinates:
        # Anew, with a graph: to hold that while the covector is found takes more memory than it takes time to make.
        leaves = [a.detach().requires_grad_() for gram in grams for a in (gram.m, gram.k)]
        again = [
            replace(gram, m=m, k=k, derivatives=1) for gram, m, k in zip(grams, leaves[::2], leaves[1::2], strict=True)
        ]
        with torch.enable_grad():
            coefficients = self._coefficients(again)
        covectors = self._batch.stack(covector, covector=True)
        slopes = [span.components(c).to(w) for span, c, w in zip(spans, covectors, coefficients, strict=True)]
        across = [w.detach().chunk(2, dim=-2)[1].mH for w in coefficients]
        parts = pulled_back(coefficients, leaves, slopes)
        along, inside = [mu.mH for mu in parts[::2]], [kappa + kappa.mH for kappa in parts[1::2]]
        if horizontal:
            terms = zip(slopes, across, along, grams, inside, strict=True)
            met = [s.chunk(2, dim=-2)[0] @ w + a + gram.m.mH @ k for s, w, a, gram, k in terms]
            along = [a + b for a, b in zip(along, self._horizontal.correction(*met), strict=True)]
        pulled = list(map(Span.pulled, spans, covectors, across, along, inside))
        if horizontal:
            pulled = list(map(without_, pulled, self._normals))
        return self._real(pulled)

    def within(self, radius: float) -> "PairBlock":
        """On the CPU nothing is gained by it: velocities are read, which are shorter than the radius."""
        bounded = copy(self)
        bounded._reach = None if self._frame.bases[0].device.type == "cpu" else radius
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
            return tuple(torch.cat([torch.zeros_like(f), f], dim=-2) for f in self._outward)
        return self._geodesic.displacement(*self._metric.start(self._frame, list(grams)))

    def _reached(self, spans: list[Span], coefficients: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        moved = zip(self._batch.stack(self._own), spans, coefficients, strict=True)
        return tuple(span.combined(w, factor) for factor, span, w in moved)

    def _scaled(self, fields: Iterable[Tensor], factor: float) -> tuple[Tensor, ...]:
        """The part in the columns of the factors times a number."""
        if factor == 1.0:
            return tuple(fields)
        return tuple(a + (factor - 1.0) * q @ (q.mH @ a) for a, q in zip(fields, self._frame.bases, strict=True))

    def _field(self, x: Coordinates) -> tuple[Tensor, Tensor]:
        """Real coordinates as matrices over the field of the group."""
        x_g, x_h = (_complex(a) if q.is_complex() else a for a, q in zip(x, self._frame.bases, strict=True))
        return x_g, x_h

    @staticmethod
    def _real(x: Iterable[Tensor]) -> Coordinates:
        return tuple(torch.view_as_real(a) if a.is_complex() else a for a in x)


def _complex(pairs: Tensor) -> Tensor:
    """Real and imaginary parts along the last axis as one number: an alias where they lie side by side."""
    *others, last = pairs.stride()
    if last != 1 or any(step % 2 for step in (pairs.storage_offset(), *others)):
        return torch.complex(*pairs.unbind(-1))
    return torch.view_as_complex(pairs)
