"""Symmetries with a global section: what can be folded away without changing the function."""

from .base import AbstractAbsorption
from .conditions import independent_conditions
from .gain import Gain
from .mean import ReaderMean, WriterMean
from .shift import Shift

__all__ = ["AbstractAbsorption", "Gain", "ReaderMean", "Shift", "WriterMean", "independent_conditions"]
