"""Coupled rescalings: weights that carry two groups at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symmetries import Covector, Params, Shapes, Symmetry, Tangent, View

from .block import AbstractBlock
from .column_means import ColumnMeans, Columns, pinned_columns
from .coordinates import Coordinates, dot
from .geodesic import AbstractGeodesic
from .metric import ChainSpray
from .pins import column_labels, covered_entries


@dataclass(frozen=True)
class Chain:
    """A component of :math:`GL(1)` symmetries that share weights, e.g. a deep ReLU net: units, and who touches what.

    Each view contributes the term ``sign * potential(unit)`` to the logarithm of every weight it reads; ``labels`` say
    which unit that is, numbered through the component, or -1.
    """

    terms: tuple[tuple[View, float, Tensor], ...]
    units: int
    columns: Mapping[str, tuple[Columns, ...]]

    @classmethod
    def of(cls, symmetries: Sequence[Symmetry], pins: Sequence[View], shapes: Shapes) -> "Chain":
        """The chain of a coupled component, and the columns that sections pin in it.

        Raises:
            ValueError: a group other than :math:`GL(1)` over the reals: no invariant metric is known there.
        """
        terms: list[tuple[View, float, Tensor]] = []
        start = 0
        for symmetry in symmetries:
            if symmetry.group.h != 1 or symmetry.group.field != "real":
                raise ValueError(
                    f"{symmetry.name!r} with group {symmetry.group} shares weights with another symmetry "
                    f"({[other.name for other in symmetries if other is not symmetry][:3]}); a quotient is known for "
                    "coupled GL(1) over the reals only: declare one of them"
                )
            for views, sign in zip(symmetry.sides, (-1.0, 1.0), strict=True):
                for view in views:
                    labels = column_labels(view, shapes).long()
                    terms.append((view, sign, torch.where(labels >= 0, labels + start, -1)))
            start += symmetry.copies(shapes)
        names = dict.fromkeys(view.parameter for view, _, _ in terms)
        columns = {name: pinned_columns(name, _covered(name, terms, shapes), pins, shapes) for name in names}
        return cls(tuple(terms), start, columns)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters the chain touches, each once."""
        return tuple(dict.fromkeys(view.parameter for view, _, _ in self.terms))

    def gram(self, moving: Params) -> Tensor:
        """The Gram matrix of the vertical directions, ``(units, units)``, float64: a graph Laplacian, signs apart.

        ``moving`` is 1 on the weights that take part, and 0 on exactly zero ones, which stay where they are.
        """
        gram = torch.zeros(self.units * self.units, dtype=torch.float64)
        for name in self.parameters:
            here = [(sign, labels.flatten()) for view, sign, labels in self.terms if view.parameter == name]
            weight = moving[name].flatten().double().cpu()
            for sign_a, a in here:
                for sign_b, b in here:
                    both = (a >= 0) & (b >= 0)
                    index = a[both] * self.units + b[both]
                    gram += sign_a * sign_b * torch.bincount(index, weight[both], minlength=gram.numel())
        return gram.reshape(self.units, self.units)


def _covered(name: str, terms: Sequence[tuple[View, float, Tensor]], shapes: Shapes) -> Tensor:
    """Which entries of a parameter the chain acts on."""
    return covered_entries(name, (view for view, _, _ in terms if view.parameter == name), shapes)


class ChainBlock(AbstractBlock):
    r"""The chart of a coupled component under :math:`\sum (dw / w)^2`, with coordinates :math:`x = dw / w`.

    In :math:`\log |w|` the metric is flat and the group acts by translations along differences of unit potentials; the
    horizontal projection is one solve with the Gram matrix of those. Sections of absorptions on the same weights are
    kept to first order: their tangents are projected, and the curves :math:`w e^{tx}` leave them at second order.
    """

    def __init__(self, chain: Chain, params: Params, geodesic: AbstractGeodesic) -> None:
        self._geodesic = geodesic
        shapes = {name: params[name].shape for name in chain.parameters}
        covered = {name: _covered(name, chain.terms, shapes) for name in chain.parameters}
        self._weights = {name: params[name] * mask.to(params[name].device) for name, mask in covered.items()}
        self._moving = {name: (w != 0).to(w) for name, w in self._weights.items()}
        device = next(iter(self._weights.values())).device
        self._terms = [(view.parameter, sign, labels.to(device)) for view, sign, labels in chain.terms]
        self._sections = {
            name: ColumnMeans(self._weights[name], columns) for name, columns in chain.columns.items() if columns
        }
        gram = chain.gram(self._moving)
        self._inverse = torch.linalg.pinv(gram, hermitian=True).to(device)
        self._rank = int(torch.linalg.matrix_rank(gram, hermitian=True))

    @property
    def entries(self) -> int:
        """The weights that are not zero."""
        return sum(int(moving.sum()) for moving in self._moving.values())

    @property
    def dimension(self) -> int:
        """Entries, less the rank of the vertical directions and of the conditions of sections."""
        return self.entries - self._rank - sum(section.rank for section in self._sections.values())

    @property
    def tensors(self) -> int:
        """One for each parameter."""
        return len(self._weights)

    def zeros(self) -> Coordinates:
        """One tensor for each parameter."""
        return tuple(torch.zeros_like(w) for w in self._weights.values())

    def vector_(self, tangent: Tangent, x: Coordinates) -> None:
        """``w x``."""
        for (name, w), a in zip(self._weights.items(), x, strict=True):
            tangent[name] = tangent[name] + w * a

    def coordinates(self, tangent: Tangent) -> Coordinates:
        """``u / w``, and 0 where w is 0."""
        return tuple(tangent[name] * self._reciprocal(name) for name in self._weights)

    def components(self, covector: Covector) -> Coordinates:
        """``w c``."""
        return tuple(w * covector[name] for name, w in self._weights.items())

    def covector_(self, covector: Covector, x: Coordinates) -> None:
        """``x / w``, and 0 where w is 0."""
        for name, a in zip(self._weights, x, strict=True):
            covector[name] = covector[name] + a * self._reciprocal(name)

    def project(self, x: Coordinates) -> Coordinates:
        """Off the sections' conditions, then remove the least-squares fit by unit potentials.

        On a section the two are orthogonal: a rescaled column of zero mean has zero mean.
        """
        moving = {name: a * self._moving[name] for name, a in zip(self._weights, x, strict=True)}
        moving |= {name: section(moving[name], self._weights[name]) for name, section in self._sections.items()}
        sums = torch.zeros_like(self._inverse[0])
        for name, sign, labels in self._terms:
            inside = sign * moving[name].double() * (labels >= 0)  # an index would wait for the device
            sums = sums.index_add(0, labels.clamp_min(0).flatten(), inside.flatten())
        potential = self._inverse @ sums
        for name, sign, labels in self._terms:
            fit = potential[labels.clamp_min(0)] * (labels >= 0)
            moving[name] = moving[name] - sign * fit.to(moving[name]) * self._moving[name]
        return tuple(moving.values())

    def second_moments(self, x: Coordinates) -> Coordinates:
        """The square of every coordinate."""
        return tuple(a.square() for a in x)

    def ends(self, x: Coordinates) -> tuple[Tensor, ...]:
        r"""The changes :math:`w (e^{x} - 1)`; entries outside the chain have coordinate 0 and stay."""
        moving = tuple(a * m for a, m in zip(x, self._moving.values(), strict=True))
        return self._geodesic.displacement(ChainSpray(tuple(self._weights.values())), moving)

    def place_(self, params: Params, ends: tuple[Tensor, ...], into: Params) -> None:
        """Add the changes."""
        params.update((name, params[name] + change) for name, change in zip(self._weights, ends, strict=True))

    def entries_of(self, covector: Covector) -> tuple[Tensor, ...]:
        """Whole parameters."""
        return tuple(covector[name] for name in self._weights)

    def bending(self, covector: Covector, x: Coordinates) -> Tensor | None:
        """The pairing with the second Taylor coefficient of the geodesics, :math:`w x^2 / 2`."""
        if self._geodesic.order < 2:
            return None
        moving = tuple(a * m for a, m in zip(x, self._moving.values(), strict=True))
        curve = ChainSpray(tuple(self._weights.values())).second_order(moving)
        return dot([covector[name] for name in self._weights], curve)

    def _reciprocal(self, name: str) -> Tensor:
        return self._moving[name] / torch.where(self._moving[name] == 0, 1.0, self._weights[name])
