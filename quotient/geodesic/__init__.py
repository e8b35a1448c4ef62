"""Ways to follow a geodesic: in closed form, by a Taylor expansion, by integration."""

from .base import AbstractGeodesic, AbstractSpray
from .exact import Exact, expm1
from .runge_kutta import RungeKutta
from .taylor import Series, Taylor

__all__ = ["AbstractGeodesic", "AbstractSpray", "Exact", "RungeKutta", "Series", "Taylor", "expm1"]
