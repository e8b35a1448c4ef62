"""All that a report says, as one document of plain values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from tqdm import tqdm

from measures import JudgementProtocol

from ...report import plain
from ..frame import Frame
from ..member import Member
from ..pool import Pool
from .case import Case, Row
from .comparison import comparisons
from .ranking import findings, ranking
from .repetition import invariances, reliabilities, survival
from .sensitivity import sensitivity

ABLATION = "ablation"
"""The plan whose geometries are variants of each other."""


TARGETS = ("loss gap", "error gap", "test loss", "test error", "shifted loss", "shifted error")
"""The order in which a page has them; others follow."""


def report(pool: Pool, plans: Sequence[str], *, protocol: JudgementProtocol, seed: int, progress: bool) -> Row:
    """Everything that is known of a pool and what was measured of it.

    Args:
        pool: with models and measurements.
        plans: which of these.
        protocol: of the statistics; of its controls those that vary over the pool are held fixed.
        seed: of all draws.
        progress: show bars.

    Returns:
        Mappings, sequences, texts and numbers; what is missing is None.

    Raises:
        FileNotFoundError: a plan that was not measured.
    """
    frames = {plan: Frame.read(pool, plan) for plan in plans}
    whole = Frame.of(pool.trained, [])
    known = whole.table({}).known()
    varying = [name for name in protocol.controls if len(set(known.get(name, ()))) > 1]
    asked = replace(protocol, controls=varying)
    cases = {plan: Case(frame, asked, seed) for plan, frame in frames.items()}
    targets = sorted(whole.targets, key=lambda name: TARGETS.index(name) if name in TARGETS else len(TARGETS))
    found: Row = plain(
        {
            "pool": pool.description,
            "protocol": asdict(asked),
            "targets": targets,
            "configurations": whole.hyperparameters,
            "models": model_rows(list(pool.members())),
            "plans": {plan: judged(case, plan, progress=progress) for plan, case in cases.items()},
        }
    )
    return found


def judged(case: Case, plan: str, *, progress: bool = False) -> dict[str, Any]:
    """Every table of one plan.

    Args:
        case: the pool as measured by the plan.
        plan: its name.
        progress: show a bar over the targets.
    """
    tables: dict[str, list[Row]] = {name: [] for name in ("ranking", "comparisons", "sensitivity", "survival")}
    tables |= {"reliability": reliabilities(case), "invariance": invariances(case), "findings": []}
    agreement = {
        family.name: {
            "retest": extreme(min, tables["reliability"], family.name, "tau"),
            "change": extreme(max, tables["invariance"], family.name, "largest change"),
        }
        for family in case.families
    }
    for target in tqdm(case.targets, desc=f"statistics of {plan}", disable=not progress):
        found = findings(case, target)
        tables["findings"] += found.records()
        tables["ranking"] += ranking(case, target, found, agreement)
        tables["comparisons"] += comparisons(case, target, ablation=plan == ABLATION)
        tables["sensitivity"] += sensitivity(case, target)
        tables["survival"] += survival(case, target)
    return {"tables": tables, "points": points(case), "panels": panels(case)}


def extreme(which: Callable[[list[float]], float], rows: Sequence[Row], measure: str, column: str) -> float | None:
    """The least or largest number in a column over the settings of a measure; None where there is none."""
    known = [row[column] for row in rows if row["measure"] == measure and row[column] is not None]
    return which(known) if known else None


def points(case: Case) -> list[dict[str, Any]]:
    """The values of every measure that :meth:`Case.settled` has, with where they are taken, for the scatters."""
    return [
        {"measure": family.name, "at": settled[0], "values": list(settled[1])}
        for family in case.families
        if (settled := case.settled(family)) is not None
    ]


def panels(case: Case) -> dict[str, list[str]]:
    """By measure, in which panel of a figure it is drawn, and as which line."""
    return {f.name: [", ".join(filter(None, (f.measure, f.variant))), f.geometry] for f in case.families}


def model_rows(members: Sequence[Member]) -> list[Row]:
    """One row for every model, those that failed among them."""
    facts: list[Mapping[str, Any]] = [
        {"model": m.id, **m.configuration, "seed": m.seed, **m.targets, **m.covariates, "seconds": m.seconds}
        | {"failure": m.failure}
        for m in members
    ]
    names = dict.fromkeys(name for row in facts for name in row)
    return [{name: row.get(name) for name in names} for row in facts]
