"""Momentum, carried along geodesics."""

from typing import Any

from ..coordinates import Coordinates, combined
from ..geometry import AbstractChart
from .rule import AbstractRule


class HeavyBall(AbstractRule):
    r"""Momentum: :math:`v \leftarrow \mu P v + g`, :math:`u = v`; the rule of ``torch.optim.SGD``."""

    def velocity(
        self, chart: AbstractChart, gradient: Coordinates, carried: Coordinates | None, group: dict[str, Any]
    ) -> tuple[Coordinates, Coordinates | None]:
        """The formula of the class."""
        velocity = gradient if carried is None else combined(gradient, group["momentum"], carried)
        return velocity, velocity if group["momentum"] else None

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing."""
