"""Which measure predicts generalization: statistics over a pool of models."""

from .baselines import baselines
from .correlation import Correlation, correlate
from .difference import Difference, compare
from .granulated import Axis, Granulated, granulated
from .matching import Matched, matched_radius
from .mutual_information import ConditionalInformation, conditional_mutual_information
from .partial import partial_correlation
from .reliability import Reliability, reliability
from .selection import Selection, select
from .sign_error import Environment, SignError, sign_error
from .targets import generalization_targets
from .undefined import UndefinedStatisticError

__all__ = [
    "Axis",
    "ConditionalInformation",
    "Correlation",
    "Difference",
    "Environment",
    "Granulated",
    "Matched",
    "Reliability",
    "Selection",
    "SignError",
    "UndefinedStatisticError",
    "baselines",
    "compare",
    "conditional_mutual_information",
    "correlate",
    "generalization_targets",
    "granulated",
    "matched_radius",
    "partial_correlation",
    "reliability",
    "select",
    "sign_error",
]
