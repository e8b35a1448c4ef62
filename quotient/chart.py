"""Charts of a quotient: on the section, and carried to any other point of an orbit."""

from collections.abc import Callable
from copy import copy
from itertools import accumulate

import torch
from torch import Tensor

from symmetries import Covector, Element, ModelSymmetry, Params, Tangent, pairing

from .block import AbstractBlock
from .coordinates import Coordinates
from .geometry import AbstractChart
from .pullback import Pullback


class QuotientChart(AbstractChart):
    """The blocks of a point on the section, side by side."""

    def __init__(self, point: Params, blocks: list[AbstractBlock], horizontal: bool) -> None:
        self.point = point
        self._blocks = blocks
        self._horizontal = horizontal
        self._counts = [block.tensors for block in blocks]

    @property
    def dimension(self) -> int:
        """The sum over blocks."""
        return sum(block.dimension if self._horizontal else block.entries for block in self._blocks)

    def zeros(self) -> Coordinates:
        """The coordinates of every block, in turn."""
        return tuple(a for block in self._blocks for a in block.zeros())

    def vector(self, x: Coordinates) -> Tangent:
        """Every block puts in its part."""
        tangent = {name: torch.zeros_like(p) for name, p in self.point.items()}
        for block, part in self._parts(x):
            block.vector_(tangent, part)
        return tangent

    def coordinates(self, tangent: Tangent) -> Coordinates:
        """Every block reads its part."""
        return tuple(a for block in self._blocks for a in block.coordinates(tangent))

    def components(self, covector: Covector) -> Coordinates:
        """Every block reads its part."""
        return tuple(a for block in self._blocks for a in block.components(covector))

    def covector(self, x: Coordinates) -> Covector:
        """Every block puts in its part."""
        covector = {name: torch.zeros_like(p) for name, p in self.point.items()}
        for block, part in self._parts(x):
            block.covector_(covector, part)
        return covector

    def project(self, x: Coordinates) -> Coordinates:
        """Every block by itself: they are orthogonal."""
        if not self._horizontal:
            return tuple(x)
        return tuple(a for block, part in self._parts(x) for a in block.project(part))

    def second_moments(self, x: Coordinates) -> Coordinates:
        """Every block those of its part."""
        return tuple(a for block, part in self._parts(x) for a in block.second_moments(part))

    def exp(self, x: Coordinates) -> Params:
        """Every block moves its entries."""
        params = dict(self.point)
        for block, part in self._parts(x):
            block.place_(params, block.ends(part), {})
        return params

    def linearized(self, x: Coordinates, *, into: Params | None = None) -> tuple[Params, Pullback]:
        """Block by block, so that no graph goes through the parameters."""
        params, pulls = dict(self.point), []
        for block, part in self._parts(x):
            ends, pull = block.linearized(part, horizontal=self._horizontal, into=into)
            block.place_(params, ends, into or {})
            pulls.append(pull)
        return params, lambda covector: tuple(a for pull in pulls for a in pull(covector))

    def within(self, radius: float) -> "QuotientChart":
        """Every block by itself."""
        return QuotientChart(self.point, [block.within(radius) for block in self._blocks], self._horizontal)

    def bending(self, covector: Covector, x: Coordinates) -> Tensor | None:
        """The sum over blocks."""
        terms = [block.bending(covector, part) for block, part in self._parts(x)]
        curved = [term for term in terms if term is not None]
        return torch.stack(curved).sum() if curved else None

    def _parts(self, x: Coordinates) -> list[tuple[AbstractBlock, Coordinates]]:
        starts = accumulate(self._counts, initial=0)
        return [(b, tuple(x[s : s + n])) for b, s, n in zip(self._blocks, starts, self._counts, strict=False)]


class CarriedChart(AbstractChart):
    """The chart of the representative on the section, carried to another point of its orbit by a group element.

    On the section the coordinates are those in which the factors act, see :meth:`ModelSymmetry.folded`.
    """

    def __init__(self, point: Params, symmetry: ModelSymmetry, element: Element, chart: QuotientChart) -> None:
        self.point = point
        self._there: Callable[[Params], Params] = lambda p: symmetry.folded(symmetry.act(element, p))
        self._back: Callable[[Params], Params] = lambda p: symmetry.undo(element, symmetry.unfolded(p))
        self._chart = chart

    @property
    def dimension(self) -> int:
        """That of the chart on the section."""
        return self._chart.dimension

    def zeros(self) -> Coordinates:
        """Those of the chart on the section."""
        return self._chart.zeros()

    def vector(self, x: Coordinates) -> Tangent:
        """Pushed back from the section."""
        return pushed(self._back, self._chart.point, self._chart.vector(x))

    def coordinates(self, tangent: Tangent) -> Coordinates:
        """Pushed to the section first."""
        return self._chart.coordinates(pushed(self._there, self.point, tangent))

    def components(self, covector: Covector) -> Coordinates:
        """Pulled over to the section first."""
        return self._chart.components(pulled(self._back, self._chart.point, covector))

    def covector(self, x: Coordinates) -> Covector:
        """Pulled over from the section."""
        return pulled(self._there, self.point, self._chart.covector(x))

    def project(self, x: Coordinates) -> Coordinates:
        """That of the chart on the section."""
        return self._chart.project(x)

    def second_moments(self, x: Coordinates) -> Coordinates:
        """Those of the chart on the section."""
        return self._chart.second_moments(x)

    def exp(self, x: Coordinates) -> Params:
        """The end of the geodesic on the section, moved back."""
        return self._back(self._chart.exp(x))

    def within(self, radius: float) -> "CarriedChart":
        """That of the chart on the section."""
        bounded = copy(self)
        bounded._chart = self._chart.within(radius)
        return bounded

    def bending(self, covector: Covector, x: Coordinates) -> Tensor:
        """That on the section, and what the move back, which need not be linear, bends by itself."""
        velocity = self._chart.vector(x)

        def slope(point: Params) -> Params:
            return pushed(self._back, point, velocity)

        own = pairing(covector, pushed(slope, self._chart.point, velocity)) / 2
        there = self._chart.bending(pulled(self._back, self._chart.point, covector), x)
        return own if there is None else own + there


def pushed(move: Callable[[Params], Params], point: Params, tangent: Tangent) -> Tangent:
    """The differential of a move of parameters, applied to a tangent."""
    return torch.func.jvp(move, (dict(point),), (dict(tangent),))[1]


def pulled(move: Callable[[Params], Params], point: Params, covector: Covector) -> Covector:
    """The transpose of that differential, applied to a covector at the end of the move."""
    return torch.func.vjp(move, dict(point))[1](dict(covector))[0]
