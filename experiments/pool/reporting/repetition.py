"""How far a measure agrees with itself: on other data, and at other weights of the same function."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from measures import compare_correlations, reliability

from ..frame import Column
from .case import Case, Row, determined
from .family import chosen


def reliabilities(case: Case) -> list[Row]:
    """The re-test reliability of every measure at every setting that was measured on more than one sample."""
    return [
        {
            "measure": family.name,
            "setting": chosen(column),
            **dict.fromkeys(("repeats", "intraclass", "low", "high", "tau", "n", "note")),
            **determined(retested, case, again),
        }
        for family in case.families
        for column in family.candidates
        if len(again := samples(case, column)) > 1
    ]


def samples(case: Case, column: Column) -> list[Sequence[float]]:
    """What a column is on every data sample."""
    return [values for other, values in case.frame.columns.items() if replace(other, sample=column.sample) == column]


def retested(case: Case, repeats: Sequence[Sequence[float]]) -> dict[str, Any]:
    """The cells of one reliability; every sample has the same examples for all models."""
    found = reliability(list(zip(*repeats, strict=True)), shared=True, confidence=case.protocol.confidence)
    return {
        "repeats": found.repeats,
        "intraclass": found.value,
        "low": found.low,
        "high": found.high,
        "tau": None if math.isnan(found.tau) else found.tau,
        "n": found.n,
    }


def relative_changes(case: Case, column: Column) -> list[float]:
    """By what part of itself the measure of each model changes at other weights of the same function."""
    moved = case.moved(column)
    here = case.frame.columns[column]
    if moved is None:
        return []
    return [abs(b - a) / abs(a) for a, b in zip(here, moved, strict=True) if a and not math.isnan(b - a)]


def invariances(case: Case) -> list[Row]:
    """What of every measure changes at other weights of the same functions."""
    return [
        {
            "measure": family.name,
            "setting": chosen(column),
            "models": len(changes),
            "median change": median(changes),
            "largest change": max(changes),
        }
        for family in case.families
        for column in family.candidates
        if (changes := relative_changes(case, column))
    ]


def survival(case: Case, target: str) -> list[Row]:
    """The tau of every measure before and after every model is moved to other weights of its function."""
    return [
        {
            "target": target,
            "measure": family.name,
            "setting": chosen(column),
            **dict.fromkeys(("before", "after", "after - before", "low", "high", "n", "note")),
            **determined(survived, case, target, column, moved),
        }
        for family in case.families
        for column in family.candidates
        if (moved := case.moved(column)) is not None
    ]


def survived(case: Case, target: str, column: Column, moved: Sequence[float]) -> dict[str, Any]:
    """The cells of one measure, over the models that have it before and after, with the same resamples for both."""
    found = compare_correlations(moved, case.frame.columns[column], case.targets[target], **case.bootstrap())
    return {
        "before": found.second,
        "after": found.first,
        "after - before": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
    }
