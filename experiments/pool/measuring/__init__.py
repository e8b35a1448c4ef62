"""Measures of all models of a pool: what is measured, by whom, and the table of it."""

from .calibration import Calibration
from .measuring import Measuring
from .plan import Part, Plan
from .plans import PLANS, QUICK, Effort
from .tables import collect

__all__ = [
    "PLANS",
    "QUICK",
    "Calibration",
    "Effort",
    "Measuring",
    "Part",
    "Plan",
    "collect",
    "main_plan",
    "rescaled_plan",
]
