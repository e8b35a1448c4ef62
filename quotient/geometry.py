r"""Geometries: what a ball around a set of parameters is.

A geometry gives every point an inner product, and a way to move along a velocity. Both are packed into a *chart*:
normal coordinates at a point, :math:`x \mapsto \exp_\theta(E x)`, where the columns of E are an orthonormal frame. In
them the metric ball is the Euclidean ball, a Gaussian is a Gaussian, the Riemannian gradient of the loss is the plain
gradient and its Riemannian Hessian the plain Hessian at 0. Every measure, and SAM, is written once, against charts:

    sharpness = statistic of  x -> loss(chart.exp(x))  on the ball  |x| <= radius,  x horizontal
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor

from symmetries import Covector, Params, Tangent

from .coordinates import Coordinates, dot, gaussian, length
from .pullback import Pullback, pulled_back


class AbstractChart(ABC):
    r"""Normal coordinates at a point, in an orthonormal frame :math:`E` of the metric.

    Coordinates are tuples of real tensors. Laws, tested for every geometry:

    * ``components`` is the transpose of ``vector``: ``dot(components(c), x) == pairing(c, vector(x))``;
    * ``coordinates(vector(x)) == x`` wherever the frame has full rank;
    * ``project`` is linear, idempotent and symmetric;
    * ``exp(0) == point``, and the derivative of ``exp`` at 0 is ``vector``;
    * ``dot(pull(c), y) == pairing(c, d exp_x(y))`` for horizontal ``x, y``, with the ``pull`` of ``linearized(x)``.
    """

    #: The parameters at which the chart is centred.
    point: Params

    @property
    @abstractmethod
    def dimension(self) -> int:
        """The dimension of the horizontal space: coordinates less vertical and pinned directions."""

    @abstractmethod
    def zeros(self) -> Coordinates:
        """The coordinates of the point itself."""

    @abstractmethod
    def vector(self, x: Coordinates) -> Tangent:
        """The tangent ``E x``."""

    @abstractmethod
    def coordinates(self, tangent: Tangent) -> Coordinates:
        """``E^-1 u``; entries in which the frame vanishes get 0."""

    @abstractmethod
    def components(self, covector: Covector) -> Coordinates:
        """``E^T c``: the gradient, in coordinates, of a function with differential ``c``."""

    @abstractmethod
    def covector(self, x: Coordinates) -> Covector:
        """``E^-T x``; entries in which the frame vanishes get 0."""

    @abstractmethod
    def project(self, x: Coordinates) -> Coordinates:
        """The horizontal part of ``x``."""

    @abstractmethod
    def second_moments(self, x: Coordinates) -> Coordinates:
        """Mean squares of coordinates over the smallest parts that isometries of the frame leave apart.

        They broadcast against ``x``: its squares, where every coordinate stands for itself; means over the rows of a
        factor, since the basis in which a row is read is no one's choice. In units in which the parameters
        themselves have mean square one, where the metric is relative to them.
        """

    @abstractmethod
    def exp(self, x: Coordinates) -> Params:
        """The point reached at time 1 along the geodesic of velocity ``E x``; twice differentiable in ``x``."""

    def linearized(self, x: Coordinates, *, into: Params | None = None) -> tuple[Params, Pullback]:
        """``exp(x)``, detached, for horizontal ``x``; and the transpose of the differential of exp there, projected.

        Law: for a function with differential ``c`` at ``exp(x)``, ``pull(c)`` is the horizontal part of the gradient of
        its values in coordinates; at ``x = 0`` it is ``project(components(c))``.

        Args:
            x: horizontal coordinates.
            into: parameters that an earlier call gave, or none yet. Those of this call may then be written over them,
                and ``pull`` over both those and its covector: memory costs more time than numbers do.
        """
        leaves = tuple(a.detach().requires_grad_() for a in x)
        with torch.enable_grad():
            end = self.exp(leaves)
        fixed = {name: p.detach() for name, p in end.items()}
        return fixed, lambda c: self.project(pulled_back(list(end.values()), leaves, [c[name] for name in end]))

    def within(self, radius: float) -> "AbstractChart":
        """The same chart for coordinates of at most this length: what depends on it need not be read off a device."""
        return self

    def bending(self, covector: Covector, x: Coordinates) -> Tensor | None:
        r"""The form :math:`\tfrac12 \frac{d^2}{dt^2} \langle c, \exp(t x) \rangle |_{t=0}`, quadratic in x; None for 0.

        A 0-dimensional float64 tensor, differentiable in ``x``: what the curve of geodesics adds to the Hessian of a
        function with differential ``c``. Straight lines add nothing.
        """
        return None

    @property
    def is_straight(self) -> bool:
        """Whether all geodesics are known to be straight lines, so that :meth:`bending` is always None."""
        return False

    def transported(self, x: Coordinates, y: Coordinates) -> Tangent:
        r"""The tangent ``E y`` carried along the geodesic to ``exp(x)``, by the differential of exp at x.

        The vector transport by a differentiated retraction [Absil2008, section 8.1.2]. It takes x to the velocity at
        the end of the geodesic, and is off from parallel transport by :math:`O(|x|^2)`, where leaving ``E y`` as it is
        and projecting it at the new point is off by :math:`O(|x|)`. Not horizontal by itself.
        """
        tangent: Tangent = torch.func.jvp(self.exp, (tuple(x),), (tuple(y),))[1]
        return tangent

    def random(self, generator: torch.Generator | None = None) -> Coordinates:
        """A standard normal vector of the horizontal space."""
        return self.project(gaussian(self.zeros(), generator))


class AbstractGeometry(ABC):
    """A norm, a gradient, a horizontal space and an exponential map at every point.

    Subclasses give :meth:`chart`; the pointwise functions here are written once in terms of it. They are pure functions
    of the point; loops should take the chart once.
    """

    @abstractmethod
    def chart(self, params: Params) -> AbstractChart:
        """Normal coordinates at ``params``.

        Raises:
            ValueError: non-finite parameters.
        """

    def representative(self, params: Params) -> Params:
        """The same function at the parameters where this geometry is best computed; measures start there."""
        return params

    def restricted(self, names: Iterable[str]) -> "AbstractGeometry":
        """The geometry of the parameters called ``names``, while the others are held."""
        return self

    def parts(self, names: Iterable[str]) -> list[frozenset[str]]:
        """The smallest sets of parameters such that the geometry is the product of its restrictions to them.

        By default every parameter is by itself.
        """
        return [frozenset([name]) for name in names]

    def carry(self, params: Params, tangent: Tangent) -> Tangent:
        """The tangent at ``representative(params)`` that a tangent at ``params`` becomes."""
        return tangent

    def inner(self, params: Params, u: Tangent, v: Tangent) -> Tensor:
        r"""The inner product :math:`\langle u, v \rangle_\theta`, a 0-dimensional float64 tensor."""
        chart = self.chart(params)
        return dot(chart.coordinates(u), chart.coordinates(v))

    def norm(self, params: Params, u: Tangent) -> Tensor:
        r"""The length :math:`\|u\|_\theta`, a 0-dimensional float64 tensor."""
        return length(self.chart(params).coordinates(u))

    def sharp(self, params: Params, covector: Covector) -> Tangent:
        """The tangent that represents a covector: ``inner(sharp(c), u) == pairing(c, u)``."""
        chart = self.chart(params)
        return chart.vector(chart.components(covector))

    def flat(self, params: Params, u: Tangent) -> Covector:
        """The covector that represents a tangent, the inverse of :meth:`sharp`."""
        chart = self.chart(params)
        return chart.covector(chart.coordinates(u))

    def project(self, params: Params, u: Tangent) -> Tangent:
        """The horizontal part of a tangent: orthogonal, in the metric, to every vertical direction."""
        chart = self.chart(params)
        return chart.vector(chart.project(chart.coordinates(u)))

    def gradient(self, params: Params, covector: Covector) -> Tangent:
        """``project(sharp(covector))``: the Riemannian gradient of a function with this differential."""
        chart = self.chart(params)
        return chart.vector(chart.project(chart.components(covector)))

    def exp(self, params: Params, u: Tangent) -> Params:
        """The end of the geodesic that leaves ``params`` with velocity ``u``, at time 1."""
        chart = self.chart(params)
        return chart.exp(chart.coordinates(u))

    def random(self, params: Params, generator: torch.Generator | None = None) -> Tangent:
        """A Gaussian horizontal tangent, standard in the metric."""
        chart = self.chart(params)
        return chart.vector(chart.random(generator))
