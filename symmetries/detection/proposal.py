"""Proposed factors, before they are verified."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..factor import AbstractFactor


@dataclass(frozen=True)
class Proposal:
    """Alternatives for one family, the largest first: the first that holds is taken.

    Args:
        alternatives: each a tuple of factors.
        reason: why there is none, when there should be one.
        modules: where.
    """

    alternatives: Sequence[tuple[AbstractFactor, ...]]
    reason: str = ""
    modules: tuple[str, ...] = ()
