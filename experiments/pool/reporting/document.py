"""All that a report says, as one document of plain values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from tqdm import tqdm

from measures import JudgementProtocol

from ...report import plain, read_json
from ..frame import Frame
from ..member import Member
from ..pool import Pool
from .case import Case, Row
from .choice import choices
from .comparison import against_known, at_every_order, comparisons, moved_comparisons
from .ranking import findings, ranking
from .repetition import invariances, reliabilities, survival
from .sensitivity import sensitivity

FIRST, ABLATION = "main", "ablation"
"""The plan that has measured the models as trained, where another has not; that whose geometries are variants."""

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
    whole = Frame.of(pool.trained, [])
    known = whole.table({}).known()
    varying = [name for name in protocol.controls if len(set(known.get(name, ()))) > 1]
    asked = replace(protocol, controls=varying)
    found: Row = plain(
        {
            "pool": pool.description,
            "protocol": asdict(asked),
            "targets": in_order(whole.targets),
            "hyperparameters": list(whole.hyperparameters),
            "models": model_rows(list(pool.members())),
            "plans": {plan: judged(pool, plan, asked, seed, progress=progress) for plan in plans},
        }
    )
    return found


def in_order(targets: Iterable[str]) -> list[str]:
    """Targets as a page has them."""
    return sorted(targets, key=lambda name: TARGETS.index(name) if name in TARGETS else len(TARGETS))


def judged(pool: Pool, plan: str, protocol: JudgementProtocol, seed: int, *, progress: bool) -> dict[str, Any]:
    """The tables of one plan; of a plan that is of other weights alone, only what is left there of the first plan."""
    frame = Frame.read(pool, plan)
    if any(column.representative == "trained" for column in frame.columns):
        case = Case(frame, protocol, seed)
        tables = as_trained(case, ablation=plan == ABLATION, progress=progress) | as_moved(case)
    else:
        both = Frame.read(pool, FIRST, plan)
        twice = {c: v for c, v in both.columns.items() if {c, c.moved()} & frame.columns.keys()}
        case = Case(Frame(both.members, twice), protocol, seed)
        tables = as_moved(case)
    models = [member.id for member in frame.members]
    shown = {"models": models, "points": points(case), "panels": panels(case)}
    return {"made": made(pool, plan), "tables": tables} | shown


def made(pool: Pool, plan: str) -> dict[str, Any] | None:
    """How a plan was measured, if that was written down."""
    path = pool.folder / "measures" / f"{plan}.provenance.json"
    return read_json(path) if path.exists() else None


def as_trained(case: Case, *, ablation: bool, progress: bool) -> dict[str, list[Row]]:
    """The tables of a plan that has measured the models as they were trained, with a bar over the targets."""
    names = ("ranking", "comparisons", "known", "choices", "orders", "sensitivity", "findings")
    tables: dict[str, list[Row]] = {name: [] for name in names} | {"reliability": reliabilities(case)}
    changes = invariances(case)
    agreement = {
        family.name: {
            "retest": extreme(min, tables["reliability"], family.name, "tau"),
            "change": extreme(max, changes, family.name, "largest change"),
        }
        for family in case.families
    }
    for target in tqdm(in_order(case.targets), desc="statistics", disable=not progress):
        found = findings(case, target)
        tables["findings"] += found.records()
        tables["ranking"] += ranking(case, target, found, agreement)
        tables["comparisons"] += comparisons(case, target, ablation=ablation)
        tables["known"] += against_known(case, target)
        tables["choices"] += choices(case, target)
        tables["orders"] += at_every_order(case, target)
        tables["sensitivity"] += sensitivity(case, target)
    return tables


def as_moved(case: Case) -> dict[str, list[Row]]:
    """The tables of what was measured at other weights of the same functions."""
    goals = in_order(case.targets)
    return {
        "moved": [row for target in goals for row in moved_comparisons(case, target)],
        "survival": [row for target in goals for row in survival(case, target)],
        "invariance": invariances(case),
    }


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
