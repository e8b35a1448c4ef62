"""Detection of symmetries from the computation of a model."""

from .detect import detect

__all__ = ["detect"]
