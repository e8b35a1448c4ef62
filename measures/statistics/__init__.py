"""Which measure predicts generalization: statistics over a pool of models."""

from .correlation import Correlation, correlate
from .difference import Difference, compare
from .granulated import Axis, Granulated, granulated
from .mutual_information import ConditionalInformation, conditional_mutual_information
from .partial import partial_correlation
from .sign_error import Environment, SignError, sign_error
from .undefined import UndefinedStatisticError

__all__ = [
    "Axis",
    "ConditionalInformation",
    "Correlation",
    "Difference",
    "Environment",
    "Granulated",
    "SignError",
    "UndefinedStatisticError",
    "compare",
    "conditional_mutual_information",
    "correlate",
    "granulated",
    "partial_correlation",
    "sign_error",
]
