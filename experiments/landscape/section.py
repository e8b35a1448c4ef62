"""Two-dimensional sections of the loss, in normal coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from measures import EmpiricalLoss
from quotient import AbstractChart, Coordinates, combined, dot, length, scaled
from symmetries import Params


@dataclass(frozen=True)
class Section:
    r"""The surface :math:`(a, b) \mapsto \exp_\theta(a u + b v)`: every straight line through 0 is a geodesic.

    Args:
        chart: at :math:`\theta`.
        axes: u and v.
    """

    chart: AbstractChart
    axes: tuple[Coordinates, Coordinates]

    @classmethod
    def spanned(cls, chart: AbstractChart, first: Coordinates, second: Coordinates) -> "Section":
        """The section whose axes are orthonormal, span both velocities, and begin with the first.

        Raises:
            ValueError: velocities that are zero or parallel.
        """
        u = scaled(first, 1.0 / length(first))
        v = combined(second, -dot(u, second), u)
        v = combined(v, -dot(u, v), u)  # once more: the first time leaves rounding of the size of the second
        if not bool(length(v) > torch.finfo(torch.float32).eps * length(second)):
            raise ValueError("a section needs two directions that are neither zero nor parallel; choose another second")
        return cls(chart, (u, scaled(v, 1.0 / length(v))))

    def point(self, a: float, b: float) -> Params:
        """The parameters there."""
        return self.chart.exp(combined(scaled(self.axes[0], a), b, self.axes[1]))

    def place(self, velocity: Coordinates) -> tuple[float, float]:
        """Where the end of a geodesic in the section is drawn."""
        a, b = (dot(axis, velocity).item() for axis in self.axes)
        return a, b

    @torch.no_grad()
    def values(self, loss: EmpiricalLoss, a: Sequence[float], b: Sequence[float], label: str) -> list[list[float]]:
        """The loss on a grid, a row for every ``b``; not finite where the parameters are not."""
        return [
            [loss(self.point(x, y)).item() for x in a] for y in tqdm(b, desc=label, unit="row", disable=len(b) == 1)
        ]
