"""An adaptive rule that commutes with the group."""

import math
from dataclasses import dataclass, field
from typing import Any

from ..coordinates import Coordinates, combined, scaled
from ..geometry import AbstractChart
from .rule import AbstractRule


@dataclass
class EquivariantAdam(AbstractRule):
    r"""Adam [Kingma2015] in orthonormal coordinates, with second moments that belong to the orbit.

    .. math:: m \leftarrow \beta_1 P m + (1 - \beta_1) g, \quad
        s \leftarrow \beta_2 s + (1 - \beta_2)\, \mathrm{second\ moments}(g), \quad
        u = P \frac{\hat m}{\sqrt{\hat s} + \epsilon} + \lambda\, P E^{-1} \theta

    with the bias corrections :math:`\hat m, \hat s` of the paper and decoupled weight decay :math:`\lambda`
    [Loshchilov2019], which is equivariant since the group acts linearly. The second moments are kept for the
    smallest parts that the group maps to themselves: single entries outside every pair (over ``Euclidean()``
    this is AdamW), and rows of factors, each measured in the metric. Scaling coordinates by them leaves the
    horizontal space, hence the projection after it.
    """

    _steps: int = field(default=0, init=False)
    _moments: Coordinates = field(default=(), init=False)

    def velocity(
        self, chart: AbstractChart, gradient: Coordinates, carried: Coordinates | None, group: dict[str, Any]
    ) -> tuple[Coordinates, Coordinates | None]:
        """The formula of the class."""
        beta1, beta2 = group["betas"]
        self._steps += 1
        now = scaled(chart.second_moments(gradient), 1.0 - beta2)
        before = tuple(s.to(g) for s, g in zip(self._moments, gradient, strict=False))  # a checkpoint may lie elsewhere
        self._moments = combined(now, beta2, before) if before else now
        mean = scaled(gradient, 1.0 - beta1)
        mean = mean if carried is None else combined(mean, beta1, carried)
        size, root = 1.0 - beta1**self._steps, math.sqrt(1.0 - beta2**self._steps)
        steps = (m / size / (s.sqrt() / root + group["eps"]) for m, s in zip(mean, self._moments, strict=True))
        velocity = chart.project(tuple(steps))
        if group["weight_decay"]:
            outward = chart.project(chart.coordinates(chart.point))
            velocity = combined(velocity, group["weight_decay"], outward)
        return velocity, mean

    def state_dict(self) -> dict[str, Any]:
        """The number of steps, and the second moments."""
        return {"steps": self._steps, "moments": list(self._moments)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them over."""
        self._steps, self._moments = state["steps"], tuple(a.clone() for a in state["moments"])
