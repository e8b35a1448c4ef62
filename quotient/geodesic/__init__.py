"""Ways to follow a geodesic: in closed form, by a Taylor expansion, by integration."""

from .base import AbstractGeodesic, AbstractSpray
from .exact import SERIES_NORM, Exact, series_degree
from .runge_kutta import RungeKutta
from .taylor import Series, Taylor

__all__ = [
    "SERIES_NORM",
    "AbstractGeodesic",
    "AbstractSpray",
    "Exact",
    "RungeKutta",
    "Series",
    "Taylor",
    "series_degree",
]
