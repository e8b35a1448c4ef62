"""Sharpness-aware minimization on any geometry: the perturbation, the second pass, and the step."""

from .ascent import Ascent, Radius
from .optimizer import RiemannianSAM
from .random_state import RandomState
from .renyi_sam import RenyiSAM
from .trajectory import MESA, SAF, trajectory_loss

__all__ = ["MESA", "SAF", "Ascent", "Radius", "RandomState", "RenyiSAM", "RiemannianSAM", "trajectory_loss"]
