"""Which measure predicts generalization: statistics over a pool of models."""

from .baselines import baselines
from .correlation import Correlation, correlate
from .difference import Difference, compare_correlations
from .finding import Finding, Findings
from .granulated import Granulated, GranulatedAxis, granulated
from .judgement import judge
from .matching import MatchedRadius, matched_radius, median_rises
from .model_table import ModelTable
from .mutual_information import ConditionalInformation, conditional_mutual_information
from .partial import partial_correlation
from .protocol import JudgementProtocol
from .reliability import Reliability, reliability
from .selection import Selection, select_setting
from .sign_error import Environment, SignError, sign_error
from .targets import generalization_targets
from .undefined import UndefinedStatisticError

__all__ = [
    "ConditionalInformation",
    "Correlation",
    "Difference",
    "Environment",
    "Finding",
    "Findings",
    "Granulated",
    "GranulatedAxis",
    "JudgementProtocol",
    "MatchedRadius",
    "ModelTable",
    "Reliability",
    "Selection",
    "SignError",
    "UndefinedStatisticError",
    "baselines",
    "compare_correlations",
    "conditional_mutual_information",
    "correlate",
    "generalization_targets",
    "granulated",
    "judge",
    "matched_radius",
    "median_rises",
    "partial_correlation",
    "reliability",
    "select_setting",
    "sign_error",
]
