"""Curvature at a point of a geometry: operators on the horizontal space."""

from abc import abstractmethod

import torch
from torch import Tensor

from quotient import AbstractChart, Coordinates, flattened, size, unflattened
from symmetries import Covector, Tangent

from .operator import AbstractOperator


class AbstractCurvature(AbstractOperator):
    r"""A symmetric form on tangents, :math:`x \mapsto P (E^T C E + B)\, x` in the coordinates of a chart.

    C takes tangents to covectors; B is what the curve of geodesics adds, if anything; P projects on the horizontal
    space. Vectors are the flattened coordinates of the chart.

    Args:
        chart: normal coordinates at the point.
    """

    def __init__(self, chart: AbstractChart) -> None:
        self.chart = chart
        self._origin = chart.zeros()
        self.size, self.dimension = size(self._origin), chart.dimension
        self.device = self._origin[0].device
        self.dtype = torch.empty(0, dtype=self._origin[0].dtype).dtype
        for a in self._origin:
            self.dtype = torch.promote_types(self.dtype, a.dtype)

    @abstractmethod
    def product(self, tangent: Tangent) -> Covector:
        """``C u``."""

    def bending(self, x: Coordinates) -> Coordinates | None:
        """``B x``; None where B is zero."""
        return None

    def __call__(self, vector: Tensor) -> Tensor:
        """The product with a horizontal vector: horizontal, detached."""
        x = unflattened(vector, self._origin)
        y = self.chart.components(self.product(self.chart.vector(x)))
        bent = self.bending(x)
        return flattened(self.chart.project(y if bent is None else tuple(map(torch.add, y, bent))))

    def project(self, vector: Tensor) -> Tensor:
        """The horizontal part."""
        return flattened(self.chart.project(unflattened(vector, self._origin)))

    def random(self, generator: torch.Generator | None = None) -> Tensor:
        """As the chart draws it."""
        return flattened(self.chart.random(generator))
