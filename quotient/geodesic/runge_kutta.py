"""Geodesics by integration of their equation."""

from dataclasses import dataclass, field

from .base import AbstractGeodesic, AbstractSpray, State


@dataclass(frozen=True)
class RungeKutta(AbstractGeodesic):
    r"""The classical fourth-order Runge-Kutta method on :math:`\ddot\gamma = a(\gamma, \dot\gamma)`: the reference.

    Works for every metric, at four accelerations a step.

    Args:
        steps: number of equal steps from time 0 to 1.

    Raises:
        ValueError: fewer than one step.
    """

    steps: int = 32
    order: float = field(default=4, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"RungeKutta needs steps >= 1, got {self.steps}")

    def displacement(self, spray: AbstractSpray, velocity: State) -> State:
        """Of the position after ``steps`` steps."""
        dt, x, v = 1.0 / self.steps, spray.position, velocity
        for _ in range(self.steps):
            a1 = spray.acceleration(x, v)
            v2 = _moved(v, dt / 2, a1)
            a2 = spray.acceleration(_moved(x, dt / 2, v), v2)
            v3 = _moved(v, dt / 2, a2)
            a3 = spray.acceleration(_moved(x, dt / 2, v2), v3)
            v4 = _moved(v, dt, a3)
            a4 = spray.acceleration(_moved(x, dt, v3), v4)
            x = _moved(x, dt / 6, v, v2, v2, v3, v3, v4)
            v = _moved(v, dt / 6, a1, a2, a2, a3, a3, a4)
        return spray.finish(tuple(a - start for a, start in zip(x, spray.position, strict=True)))


def _moved(start: State, dt: float, *rates: State) -> State:
    """``start + dt * (sum of rates)``."""
    return tuple(s + dt * sum(r[1:], start=r[0]) for s, *r in zip(start, *rates, strict=True))
