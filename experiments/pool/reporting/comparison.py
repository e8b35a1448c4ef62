"""Geometries against each other, and measures against what is known without measuring."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from measures import UndefinedStatisticError, compare_correlations, correlate

from .case import Case, Row, determined
from .family import CHOSEN, Family

CELLS = ("tau of first", "tau of second", "difference", "low", "high", "stronger", "n", "note")


def comparisons(case: Case, target: str, *, ablation: bool = False) -> list[Row]:
    """How much more strongly one geometry orders the models than another, each where :meth:`Case.settled` has it.

    Args:
        case: the pool.
        target: what they should predict.
        ablation: compare every geometry with the one it is a variant of, in place of all with each other.
    """
    settled = settled_values(case)
    pairs = variants(settled) if ablation else rivals(settled)
    return [pair_row(case, target, a.name, b.name, settled[a], settled[b]) for a, b in pairs]


def against_known(case: Case, target: str) -> list[Row]:
    """The same against the hyperparameter or covariate that has the largest tau, which flatters it."""
    strengths = {
        name: strength for name, values in case.known.items() if (strength := tau(case, target, values)) is not None
    }
    if not strengths:
        return []
    best = max(strengths, key=lambda name: abs(strengths[name]))
    return [
        pair_row(case, target, f.name, best, values, case.known[best]) for f, values in settled_values(case).items()
    ]


def moved_comparisons(case: Case, target: str) -> list[Row]:
    """The same on models that were moved to other weights of their functions, at radii that were settled before."""
    moved = {family: values for family in case.families if (values := case.settled_elsewhere(family)) is not None}
    return [pair_row(case, target, a.name, b.name, moved[a], moved[b]) for a, b in rivals(moved)]


def at_every_order(case: Case, target: str) -> list[Row]:
    """The same at every order, and of every layer, that two geometries share."""
    ordered = [family for family in case.families if any("alpha" in column.settings for column in family.candidates)]
    return [
        pair_row(case, target, a.name, b.name, values, b.candidates[twin])
        | {name: column.settings.get(name) for name in CHOSEN}
        for a, b in rivals(ordered)
        for column, values in a.candidates.items()
        if (twin := replace(column, geometry=b.geometry)) in b.candidates
    ]


def settled_values(case: Case) -> dict[Family, Sequence[float]]:
    """The values of the families that no target has chosen."""
    return {family: at[1] for family in case.families if (at := case.settled(family)) is not None}


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


def pair_row(case: Case, target: str, first: str, second: str, a: Sequence[float], b: Sequence[float]) -> Row:
    """One line of the table."""
    names = {"target": target, "first": first, "second": second}
    return names | dict.fromkeys(CELLS) | determined(compared, case, target, a, b)


def compared(case: Case, target: str, first: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """The cells of one pair, both over the models that lack neither."""
    found = compare_correlations(first, second, case.targets[target], strengths=True, **case.bootstrap())
    return {
        "tau of first": found.first,
        "tau of second": found.second,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "stronger": "first" if found.low > 0 else "second" if found.high < 0 else "not resolved",
        "n": found.n,
    }


def tau(case: Case, target: str, values: Sequence[float]) -> float | None:
    """The correlation of a column with a target; None where models do not determine it."""
    try:
        return correlate(values, case.targets[target], resamples=1).value
    except UndefinedStatisticError:
        return None
