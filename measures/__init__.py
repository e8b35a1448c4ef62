"""Numbers on a geometry: losses, and how they rise around a point."""

from .average_case import average_case_sharpness
from .differential import HessianProduct
from .hessian import RiemannianHessian
from .lanczos import JacobiMatrix, lanczos
from .local_loss import LocalLoss
from .logits import normalized_logits
from .loss import EmpiricalLoss
from .renyi import renyi_sharpness
from .sharpness import Sharpness
from .spectrum import Spectrum, hessian_spectrum
from .worst_case import worst_case_sharpness

__all__ = [
    "EmpiricalLoss",
    "HessianProduct",
    "JacobiMatrix",
    "LocalLoss",
    "RiemannianHessian",
    "Sharpness",
    "Spectrum",
    "average_case_sharpness",
    "hessian_spectrum",
    "lanczos",
    "normalized_logits",
    "renyi_sharpness",
    "worst_case_sharpness",
]
