"""What a geodesic method needs to know, and what it gives."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

State = tuple[Tensor, ...]


class AbstractSpray(ABC):
    """The geodesic equation of one block of parameters, in coordinates chosen by its metric.

    A spray has a position, an acceleration, and a linear map back to the parameters. Law: along a solution of
    ``position'' = acceleration(position, position')`` the speed is constant.
    """

    #: Where the geodesic starts, a tuple of factors.
    position: State

    @abstractmethod
    def acceleration(self, position: Any, velocity: Any) -> Any:
        """Minus the Christoffel term of the velocity, for tensors or for truncated power series alike."""

    @abstractmethod
    def finish(self, change: State) -> State:
        """The change of the parameters with a change of the position: a linear map."""

    def second_order(self, velocity: State) -> State:
        """Half the acceleration at the start, as a change of the parameters: the second Taylor coefficient."""
        return self.finish(tuple(a / 2 for a in self.acceleration(self.position, velocity)))

    @abstractmethod
    def closed_form(self, velocity: State) -> State:
        """The change of the parameters along the geodesic up to time 1; only where the metric has a closed form."""


class AbstractGeodesic(ABC):
    """A way to follow a geodesic from time 0 to time 1.

    Its :attr:`order`: halving the velocity divides the error of one evaluation by ``2 ** (order + 1)`` (a Taylor
    expansion), or doubling the steps divides it by ``2 ** order`` (an integrator); infinite where the method is exact.
    """

    #: The order of accuracy.
    order: float

    @abstractmethod
    def displacement(self, spray: AbstractSpray, velocity: State) -> State:
        """The change of the parameters up to time 1, zero at velocity zero, differentiable in the velocity."""
