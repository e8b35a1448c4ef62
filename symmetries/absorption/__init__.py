"""Symmetries with a global section: what can be folded away without changing the function."""

from .base import AbstractAbsorption
from .chain import Chain
from .conditions import independent_conditions
from .gain import Gain
from .mean import Channels, ReaderMean, WriterMean
from .shear import Shear
from .shift import Shift
from .update import Update

__all__ = [
    "AbstractAbsorption",
    "Chain",
    "Channels",
    "Gain",
    "ReaderMean",
    "Shear",
    "Shift",
    "Update",
    "WriterMean",
    "independent_conditions",
]
