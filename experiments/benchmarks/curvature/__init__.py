"""Curvature side by side with other libraries: problems, competitors, targets, and cells that are kept on disk."""

from .cell import NORMS, Cell, measured
from .competitors import COMPETITORS
from .problem import SIZES
from .table import GRADIENT, Row, product_rows, target_rows
from .target import TARGETS

__all__ = [
    "COMPETITORS",
    "GRADIENT",
    "NORMS",
    "SIZES",
    "TARGETS",
    "Cell",
    "Row",
    "measured",
    "product_rows",
    "target_rows",
]
