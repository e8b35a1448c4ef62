"""Metrics on factor pairs that are invariant under the group."""

from .base import AbstractMetric, PairFrame
from .chain import ChainSpray
from .embedded import Embedded
from .gram import Gram
from .invariant import Invariant
from .mixed import Mixed

__all__ = ["AbstractMetric", "ChainSpray", "Embedded", "Gram", "Invariant", "Mixed", "PairFrame"]
