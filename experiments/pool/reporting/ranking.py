"""Which measure predicts a target best, baselines among them."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from measures import Finding, Findings, baselines, judge, select_setting

from ..frame import Column
from .case import Case, Row, determined
from .family import chosen

COLUMNS = (
    "target", "measure", "baseline", "nested", "nested stderr", "setting", "best", "inflation", "best by chance",
    "search p", "at", "tau", "low", "high", "partial rho", "partial low", "partial high", "psi", "information",
    "information p", "mean sign error", "worst sign error", "retest", "change", "n", "missing", "note",
)  # fmt: skip
"""Of the table; what has no value in a row is None there."""


def findings(case: Case, target: str) -> Findings:
    """Every statistic of what :meth:`Case.settled` gives, and of the baselines."""
    measures = {f.name: settled[1] for f in case.families if (settled := case.settled(f)) is not None}
    return judge(case.frame.table(measures, target), case.protocol, generator=case.generator())


def ranking(case: Case, target: str, found: Findings, agreement: Mapping[str, Row]) -> list[Row]:
    """The measures and baselines of a target, by what a setting is worth on models that did not choose it.

    Args:
        case: the pool.
        target: what they should predict.
        found: its :func:`findings`.
        agreement: by measure, how far it agrees with itself: its ``retest`` and its ``change``.
    """
    lines = baselines(case.targets[target], case.known, noise=case.protocol.noise, generator=case.generator())
    rows = [
        row(target, f.name, determined(selection, case, target, f.candidates), found)
        | {"at": None if (settled := case.settled(f)) is None else settled[0]}
        | agreement[f.name]
        for f in case.families
    ]
    rows += [
        row(target, name, determined(selection, case, target, {Column(name): values}), found) | {"baseline": True}
        for name, values in lines.items()
    ]
    return sorted(rows, key=lambda r: -2.0 if r["nested"] is None else r["nested"], reverse=True)


def selection(case: Case, target: str, candidates: Mapping[Column, Sequence[float]]) -> dict[str, Any]:
    """The cells that nested selection fills, for the settings of a measure."""
    grid: dict[Hashable, Sequence[float]] = dict(candidates.items())
    found = select_setting(
        grid,
        case.targets[target],
        groups=case.configurations,
        permutations=case.protocol.permutations,
        generator=case.generator(),
    )
    best = found.best
    return {
        "nested": found.nested,
        "nested stderr": found.stderr,
        "setting": chosen(best) if isinstance(best, Column) else None,
        "best": found.best_value,
        "inflation": found.inflation,
        "best by chance": found.null,
        "search p": found.p_value,
        "n": found.n,
        "missing": found.missing,
    }


def row(target: str, name: str, selected: Row, found: Findings) -> Row:
    """One line of the ranking; what is not settled has no statistics but those of the choice."""
    known = {f.statistic: f for f in found.rows if f.measure == name}
    return dict.fromkeys(COLUMNS) | {"target": target, "measure": name, "baseline": False} | told(known) | selected


def told(known: Mapping[str, Finding]) -> Row:
    """The cells that the statistics of one measure fill."""
    if not known:
        return {"note": "no setting without a choice on the target: tau, partial rho and others are left out"}
    tau, psi, information = known["tau"], known["psi"], known["information"]
    partial = known.get("partial rho")
    return {
        "tau": tau.value,
        "low": tau.low,
        "high": tau.high,
        "partial rho": partial and partial.value,
        "partial low": partial and partial.low,
        "partial high": partial and partial.high,
        "psi": psi.value,
        "information": information.value,
        "information p": information.p_value,
        "mean sign error": known["mean sign error"].value,
        "worst sign error": known["worst sign error"].value,
        "n": tau.n,
        "missing": tau.missing,
        "note": tau.note or None,
    }
