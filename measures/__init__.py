"""Numbers on a geometry: losses, and how they rise around a point."""

from .average_case import average_case_sharpness
from .correlation import Correlation, correlate
from .differential import HessianProduct
from .gauss_newton import GaussNewton, GaussNewtonProduct
from .hessian import RiemannianHessian
from .lanczos import JacobiMatrix, lanczos
from .local_loss import LocalLoss
from .logits import normalized_logits
from .loss import EmpiricalLoss
from .operator import AbstractOperator, MatrixOperator
from .renyi import renyi_sharpness
from .sharpness import Sharpness
from .spectrum import Spectrum, hessian_spectrum
from .suite import measure
from .table import MeasureTable, Row
from .whole_file import replacing
from .worst_case import worst_case_sharpness

__all__ = [
    "AbstractOperator",
    "Correlation",
    "EmpiricalLoss",
    "GaussNewton",
    "GaussNewtonProduct",
    "HessianProduct",
    "JacobiMatrix",
    "LocalLoss",
    "MatrixOperator",
    "MeasureTable",
    "RiemannianHessian",
    "Row",
    "Sharpness",
    "Spectrum",
    "average_case_sharpness",
    "correlate",
    "hessian_spectrum",
    "lanczos",
    "measure",
    "normalized_logits",
    "renyi_sharpness",
    "replacing",
    "worst_case_sharpness",
]
