"""The Riemannian Hessian of the loss, in an orthonormal frame."""

import torch

from quotient import AbstractChart, Coordinates
from symmetries import Covector, Tangent

from ..loss import EmpiricalLoss
from .curvature import AbstractCurvature


class RiemannianHessian(AbstractCurvature):
    r"""The Hessian at 0 of :math:`f(x) = L(\exp_\theta(E x))`, restricted to the horizontal space.

    With :math:`c = dL(\theta)` and the horizontal projection P,

    .. math:: \nabla^2 f(0) = P \big( E^T\, \nabla^2 L(\theta)\, E
              + \nabla^2_x \langle c, \exp_\theta(E x) \rangle |_{x=0} \big) P .

    Over ``Euclidean`` it is the Hessian of L; on a quotient its spectrum belongs to the orbit. The second
    term is zero for straight lines, and wherever the gradient is zero; it is a quadratic form, so that its product with
    x is its gradient at x.

    Example:
        >>> import torch
        >>> from quotient import Euclidean
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: 0.5 * f(x).square().sum(), [torch.tensor([[3.0, 1.0]])])
        >>> hessian = RiemannianHessian(loss, Euclidean().chart({"weight": torch.ones(1, 2)}))
        >>> hessian(torch.tensor([1.0, 0.0]))
        tensor([9., 3.])

    Args:
        loss: L.
        chart: normal coordinates at the point.
        memory: bytes for graphs that are kept, see :meth:`EmpiricalLoss.hessian`.
    """

    def __init__(self, loss: EmpiricalLoss, chart: AbstractChart, *, memory: int | None = None) -> None:
        super().__init__(chart)
        self._hessian = loss.hessian(chart.point, memory=memory)
        self._slope = None if chart.is_straight else loss.gradient(chart.point)

    def product(self, tangent: Tangent) -> Covector:
        """The Euclidean Hessian product."""
        return self._hessian(tangent)

    def bending(self, x: Coordinates) -> Coordinates | None:
        """The gradient of the chart's quadratic form."""
        if self._slope is None:
            return None
        x = tuple(a.detach().requires_grad_() for a in x)
        with torch.enable_grad():
            form = self.chart.bending(self._slope, x)
        return None if form is None else torch.autograd.grad(form, x, allow_unused=True, materialize_grads=True)
