"""Numbers on a geometry: losses, and how they rise around a point."""

from .average_case import average_case_sharpness
from .differential import HessianProduct
from .local_loss import LocalLoss
from .logits import normalized_logits
from .loss import EmpiricalLoss
from .sharpness import Sharpness
from .worst_case import worst_case_sharpness

__all__ = [
    "EmpiricalLoss",
    "HessianProduct",
    "LocalLoss",
    "Sharpness",
    "average_case_sharpness",
    "normalized_logits",
    "worst_case_sharpness",
]
