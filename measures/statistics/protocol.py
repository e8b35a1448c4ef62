"""How a pool is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class JudgementProtocol:
    """What to hold fixed, and how many draws to take; see :func:`measures.judge`.

    Args:
        controls: what the partial correlation holds fixed: names of numbers that are known without measuring.
        evaluated_on: for targets that are error rates, or gaps between them, the number of examples behind.
        across: what an environment of the sign error averages over.
        least_pairs: the effective number of pairs that it needs.
        confidence: of the intervals.
        resamples: of the bootstrap.
        permutations: of the null of the mutual information.
        noise: of the noisy oracle, in standard deviations of the target.
    """

    controls: Sequence[str] = ()
    evaluated_on: Mapping[str, int] = field(default_factory=dict)
    across: Literal["seeds", "settings"] = "seeds"
    least_pairs: float = 12.0
    confidence: float = 0.95
    resamples: int = 2000
    permutations: int = 200
    noise: float = 1.0
