"""The second half of a step: from the differential at the perturbed point to new parameters."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch

from symmetries import Covector

from ..coordinates import Coordinates
from ..geometry import AbstractChart
from ..parameter_groups import named_parameters


class AbstractDescent(ABC):
    """Where a step is taken, once the model is back at its point and ``.grad`` holds a differential there."""

    #: Whether it needs the chart at the point, so that it is kept during the second pass.
    geodesic: ClassVar[bool]

    @abstractmethod
    def pulled_back(self, chart: AbstractChart, x: Coordinates, covector: Covector) -> Covector:
        """The differential at the centre of a chart that stands for ``covector`` at ``chart.exp(x)``."""

    @abstractmethod
    def step(self, chart: AbstractChart | None, *, max_norm: float | None) -> None:
        """Take it, from the gradients in ``.grad``.

        Args:
            chart: at the point, if it is known.
            max_norm: to which gradients are clipped.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What the state of the base optimizer does not hold."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""


class BaseDescent(AbstractDescent):
    """By any torch optimizer, as if the differential had been taken at the point: what SAM does [Foret2021]."""

    geodesic = False

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer

    def pulled_back(self, chart: AbstractChart, x: Coordinates, covector: Covector) -> Covector:
        """Entry by entry the same."""
        return covector

    def step(self, chart: AbstractChart | None, *, max_norm: float | None) -> None:
        """Gradients are clipped in the Euclidean norm."""
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(named_parameters(self._optimizer.param_groups).values(), max_norm)
        self._optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing."""
