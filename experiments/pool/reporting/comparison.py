"""Geometries against each other."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

from measures import compare_correlations, correlate

from .case import Case, Row, determined
from .family import Family


def comparisons(case: Case, target: str, *, ablation: bool = False) -> list[Row]:
    """How much better one geometry orders the models than another, each where :meth:`Case.settled` has it.

    Args:
        case: the pool.
        target: what they should predict.
        ablation: compare every geometry with the one it is a variant of, in place of all with each other.
    """
    settled = {family: at[1] for family in case.families if (at := case.settled(family)) is not None}
    return [
        {
            "target": target,
            "first": first.name,
            "second": second.name,
            **dict.fromkeys(("tau of first", "tau of second", "difference", "low", "high", "higher", "n", "note")),
            **determined(compared, case, target, settled[first], settled[second]),
        }
        for first, second in (variants(settled) if ablation else rivals(settled))
    ]


def rivals(families: Iterable[Family]) -> Iterator[tuple[Family, Family]]:
    """Pairs that differ in their geometry alone."""
    for first, second in combinations(families, 2):
        if (first.measure, first.variant) == (second.measure, second.variant):
            yield first, second


def variants(families: Iterable[Family]) -> Iterator[tuple[Family, Family]]:
    """Every geometry whose name goes on where that of another ends, and the longest such other."""
    for pair in rivals(families):
        variant, whole = sorted(pair, key=lambda family: len(family.geometry), reverse=True)
        others = [f.geometry for f in families if variant.geometry.startswith(f"{f.geometry} ")]
        if whole.geometry == max(others, key=len, default=None):
            yield variant, whole


def compared(case: Case, target: str, first: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """The cells of one pair, both over the models that lack neither."""
    goal = case.targets[target]
    both = [(a, b) if not math.isnan(a + b) else (math.nan, math.nan) for a, b in zip(first, second, strict=True)]
    taus = [correlate(values, goal, **case.bootstrap()).value for values in zip(*both, strict=True)]
    found = compare_correlations(first, second, goal, **case.bootstrap())
    return {
        "tau of first": taus[0],
        "tau of second": taus[1],
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "higher": "first" if found.low > 0 else "second" if found.high < 0 else "not resolved",
        "n": found.n,
    }
