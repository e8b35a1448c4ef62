"""The Riemannian Hessian of the loss, in an orthonormal frame."""

from quotient import AbstractChart, Coordinates
from symmetries import Params, pairing

from .differential import HessianProduct
from .loss import EmpiricalLoss


class RiemannianHessian:
    r"""The Hessian at 0 of :math:`f(x) = L(\exp_\theta(E x))`, restricted to the horizontal space.

    With :math:`c = dL(\theta)` and the horizontal projection P,

    .. math:: \nabla^2 f(0) = P \big( E^T\, \nabla^2 L(\theta)\, E
              + \nabla^2_x \langle c, \exp_\theta(E x) \rangle |_{x=0} \big) P .

    Over ``Euclidean`` it is the Hessian of L; on a quotient its spectrum belongs to the orbit. The second
    term is zero for straight lines, and wherever the gradient is zero.

    Law: symmetric, ``dot(hessian(x), y) == dot(x, hessian(y))``.

    Args:
        loss: L.
        chart: normal coordinates at the point.
        retain: see :meth:`EmpiricalLoss.hessian`.
    """

    def __init__(self, loss: EmpiricalLoss, chart: AbstractChart, *, retain: bool | None = None) -> None:
        self.chart = chart
        self._product = loss.hessian(chart.point, retain=retain)
        covector = loss.gradient(chart.point)
        names = [str(i) for i in range(len(chart.zeros()))]

        def along(x: Params) -> Coordinates:
            return tuple(x[name] for name in names)

        self._names = names
        self._bending = HessianProduct(
            [lambda x: pairing(covector, chart.exp(along(x)))],
            dict(zip(names, chart.zeros(), strict=True)),
            retain=True,
        )

    def __call__(self, x: Coordinates) -> Coordinates:
        """The product with ``x``: horizontal, detached."""
        x = self.chart.project(x)
        straight = self.chart.components(self._product(self.chart.vector(x)))
        bending = self._bending(dict(zip(self._names, x, strict=True)))
        return self.chart.project(tuple(a + bending[name] for a, name in zip(straight, self._names, strict=True)))
