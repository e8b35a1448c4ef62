"""The loss around a point, in the normal coordinates of a geometry."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from quotient import AbstractChart, AbstractGeometry, Coordinates, length
from symmetries import Params, Tangent

from .differential import require_finite_loss
from .loss import EmpiricalLoss


@dataclass(frozen=True)
class LocalLoss:
    r"""The function :math:`f(x) = L(\exp_\theta(E x))` of horizontal x: what every measure looks at.

    The gradient is horizontal, so that ascent from a horizontal start stays in that space.

    Args:
        loss: L.
        chart: normal coordinates at the point.
        checked: False leaves it to the caller to look whether values are finite, which waits for the device.

    Attributes:
        memory: of the parameters where the last gradient was taken, for those of the next.
    """

    loss: EmpiricalLoss
    chart: AbstractChart
    checked: bool = True
    memory: Params = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, x: Coordinates) -> Tensor:
        """f(x), 0-dimensional float64.

        Raises:
            ValueError: a loss that is not finite.
        """
        return self.per_batch(x).mean()

    @torch.no_grad()
    def per_batch(self, x: Coordinates) -> Tensor:
        """f(x) of every batch, shape ``(batches,)``, float64.

        Raises:
            ValueError: a loss that is not finite.
        """
        end = self.chart.exp(x)
        values = self.loss.per_batch(end)
        if self.checked:
            require_finite_loss(values.mean(), end)
        return values

    def value_and_gradient(self, x: Coordinates) -> tuple[Tensor, Coordinates]:
        r"""f(x) and the horizontal part :math:`P \nabla f(x)`, with one pass back through exp for all batches.

        Raises:
            ValueError: a loss or a gradient that is not finite.
        """
        end, pull = self.chart.linearized(x, into=self._taken())
        value, covector = self.loss.value_and_gradient(end, checked=self.checked)
        gradient = pull(covector)
        self.memory.update(end)
        if self.checked and not bool(length(gradient).isfinite()):
            raise ValueError(
                f"the gradient is not finite although the loss is ({value.item():.6g}); look for square roots, norms "
                "or quotients of zero in the model and the loss"
            )
        return value, gradient

    def _taken(self) -> Params:
        """The memory, of which nothing is held here any more: a chart may have no use for it."""
        taken = dict(self.memory)
        self.memory.clear()
        return taken


def around(loss: EmpiricalLoss, params: Params, geometry: AbstractGeometry) -> LocalLoss:
    """The loss around the representative of ``params`` in the geometry."""
    point = geometry.representative({name: p.detach() for name, p in params.items()})
    return LocalLoss(loss, geometry.chart(point))


def carried(tangent: Tangent, params: Params, geometry: AbstractGeometry, chart: AbstractChart) -> Coordinates:
    """The horizontal coordinates, at the representative, of a tangent at ``params``."""
    point = {name: p.detach() for name, p in params.items()}
    return chart.project(chart.coordinates(geometry.carry(point, tangent)))
