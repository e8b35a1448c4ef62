"""Numbers on a geometry: losses, and how they rise around a point."""

from .average_case import average_case_sharpness
from .batch import on_device
from .differential import HessianProduct
from .local_loss import LocalLoss
from .logits import normalized_logits
from .loss import EmpiricalLoss
from .operators.curvature import AbstractCurvature
from .operators.curvature_at import curvature
from .operators.deflation import DeflatedOperator
from .operators.gauss_newton import GaussNewton, GaussNewtonProduct
from .operators.hessian import RiemannianHessian
from .operators.operator import AbstractOperator, MatrixOperator
from .published.fisher import FisherSpectrum, fisher_spectrum
from .published.fisher_rao import fisher_rao_norm
from .published.literature import Literature
from .published.norms import log_norm_product, parameter_norm, path_norm
from .published.pac_bayes import WidthError, pac_bayes_flatness
from .published.relative_flatness import relative_flatness
from .sharpness import Sharpness
from .spectra.eigenpairs import Eigenpairs, eigenpairs
from .spectra.entropy import RenyiEntropy
from .spectra.hessian_spectrum import hessian_spectrum, operator_spectrum
from .spectra.lanczos import JacobiMatrix, lanczos
from .spectra.layer_spectra import layer_spectra
from .spectra.layers import layers
from .spectra.outliers import Outliers
from .spectra.renyi import renyi_sharpness
from .spectra.spectrum import Spectrum
from .statistics import (
    ConditionalInformation,
    Correlation,
    Difference,
    Environment,
    Finding,
    Findings,
    Granulated,
    GranulatedAxis,
    JudgementProtocol,
    MatchedRadius,
    ModelTable,
    Reliability,
    Selection,
    SignError,
    UndefinedStatisticError,
    baselines,
    compare_correlations,
    conditional_mutual_information,
    correlate,
    generalization_targets,
    granulated,
    judge,
    matched_radius,
    median_rises,
    partial_correlation,
    reliability,
    select_setting,
    sign_error,
)
from .suite import measure
from .table import MeasureTable, Row
from .timing import timed
from .traces.estimate import Estimate
from .traces.trace import trace
from .whole_file import replacing
from .worst_case import worst_case_sharpness

__all__ = [
    "AbstractCurvature",
    "AbstractOperator",
    "ConditionalInformation",
    "Correlation",
    "DeflatedOperator",
    "Difference",
    "Eigenpairs",
    "EmpiricalLoss",
    "Environment",
    "Estimate",
    "Finding",
    "Findings",
    "FisherSpectrum",
    "GaussNewton",
    "GaussNewtonProduct",
    "Granulated",
    "GranulatedAxis",
    "HessianProduct",
    "JacobiMatrix",
    "JudgementProtocol",
    "Literature",
    "LocalLoss",
    "MatchedRadius",
    "MatrixOperator",
    "MeasureTable",
    "ModelTable",
    "Outliers",
    "Reliability",
    "RenyiEntropy",
    "RiemannianHessian",
    "Row",
    "Selection",
    "Sharpness",
    "SignError",
    "Spectrum",
    "UndefinedStatisticError",
    "WidthError",
    "average_case_sharpness",
    "baselines",
    "compare_correlations",
    "conditional_mutual_information",
    "correlate",
    "curvature",
    "eigenpairs",
    "fisher_rao_norm",
    "fisher_spectrum",
    "generalization_targets",
    "granulated",
    "hessian_spectrum",
    "judge",
    "lanczos",
    "layer_spectra",
    "layers",
    "log_norm_product",
    "matched_radius",
    "measure",
    "median_rises",
    "normalized_logits",
    "on_device",
    "operator_spectrum",
    "pac_bayes_flatness",
    "parameter_norm",
    "partial_correlation",
    "path_norm",
    "relative_flatness",
    "reliability",
    "renyi_sharpness",
    "replacing",
    "select_setting",
    "sign_error",
    "timed",
    "trace",
    "worst_case_sharpness",
]
