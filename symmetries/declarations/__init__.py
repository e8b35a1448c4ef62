"""Ready declarations of the symmetries of known blocks."""

from .declaration import Declaration, declaration
from .layer import parameter
from .mlp import linear_chain, relu_rescaling

__all__ = ["Declaration", "declaration", "linear_chain", "parameter", "relu_rescaling"]
