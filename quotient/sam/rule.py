"""Rules that turn gradients into velocities, in orthonormal coordinates."""

from abc import ABC, abstractmethod
from typing import Any

from ..coordinates import Coordinates
from ..geometry import AbstractChart


class AbstractRule(ABC):
    """A rule for the velocity of a geodesic step.

    Law: over a quotient it is equivariant, ``velocity`` at ``g p`` being the velocity at ``p`` carried by ``g``; it
    may use the coordinates of a chart, its projection, and its ``second_moments``, all of which belong to the orbit.
    """

    @abstractmethod
    def velocity(
        self, chart: AbstractChart, gradient: Coordinates, carried: Coordinates | None, group: dict[str, Any]
    ) -> tuple[Coordinates, Coordinates | None]:
        """The velocity u, for a step to ``exp(-lr u)``, and the momentum.

        Args:
            chart: at the point.
            gradient: horizontal.
            carried: the old momentum, carried to the point; None on the first step.
            group: options of the torch optimizer.

        Returns:
            Both horizontal; None for a momentum that needs no memory.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Its memory beside the momentum."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
