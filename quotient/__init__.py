"""Geometry modulo a symmetry: metrics, horizontal spaces, geodesics, and the optimizer that moves along them."""

from .coordinates import Coordinates, combined, dot, gaussian, length, scaled, size, within_ball
from .flat import Adaptive, Euclidean
from .geometry import AbstractChart, AbstractGeometry

__all__ = [
    "AbstractChart",
    "AbstractGeometry",
    "Adaptive",
    "Coordinates",
    "Euclidean",
    "combined",
    "dot",
    "gaussian",
    "length",
    "scaled",
    "size",
    "within_ball",
]
