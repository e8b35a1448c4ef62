"""Which measure predicts generalization: statistics over a pool of models."""

from .correlation import Correlation, correlate
from .difference import Difference, compare
from .partial import partial_correlation
from .undefined import UndefinedStatisticError

__all__ = [
    "Correlation",
    "Difference",
    "UndefinedStatisticError",
    "compare",
    "correlate",
    "partial_correlation",
]
