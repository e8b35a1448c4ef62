"""Sharpness-aware minimization on any geometry: the perturbation, the second pass, and the step."""

from .ascent import Ascent, Radius
from .optimizer import RiemannianSAM
from .random_state import RandomState
from .renyi_sam import RenyiSAM

__all__ = ["Ascent", "Radius", "RandomState", "RenyiSAM", "RiemannianSAM"]
