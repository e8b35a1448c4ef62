"""One cell of the comparison: a size, a task, and who does it; done in a process of its own, kept on disk."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ...report import read_json, write_json
from ..isolation import Report, isolated
from . import product
from .competitors import COMPETITORS
from .problem import SIZES, Problem, problem
from .target import TARGETS
from .truth import Truth, truth

NORMS = {"rms": "RMSNorm", "layer": "LayerNorm"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is measured; two cells that are equal have the same result.

    Args:
        size: of the transformer, a name in ``SIZES``.
        task: ``"fit"``, ``"times"``, ``"errors"``, ``"memory"``, ``"truth"``, or a name in ``TARGETS``.
        competitors: names; a single one but for times and errors.
        norm: a name in ``NORMS``.
        threads: of the CPU.
        repeats: rounds of timing.
        seed: of initial values, data and all draws.
    """

    size: str
    task: str
    competitors: tuple[str, ...]
    norm: str = "rms"
    threads: int
    repeats: int
    seed: int

    @property
    def file(self) -> str:
        """Where its result is kept."""
        return "-".join((self.size, self.norm, self.task, *self.competitors)).replace(" ", "_") + ".json"


def measured(cell: Cell, folder: Path, *, limit: float) -> dict[str, Any]:
    """The result: taken from ``folder`` where it is there, computed and put there where not.

    A result that a shorter limit of time cut off is computed anew.
    """
    path = folder / cell.file
    if path.exists():
        known = read_json(path)
        same = known["cell"] == {**asdict(cell), "competitors": list(cell.competitors)}
        if same and not (known["timed_out"] and known["limit"] < limit):
            return known
    outcome = isolated(compute, cell, folder, limit=limit)
    found = {"cell": asdict(cell), "limit": limit} | asdict(outcome)
    write_json(path, found)
    return found


def compute(cell: Cell, folder: Path, report: Report) -> None:
    """Compute a cell, and report what comes out."""
    torch.set_num_threads(cell.threads)
    size, layer_norm = SIZES[cell.size], cell.norm == "layer"
    weights = folder / f"{cell.size}-{cell.norm}-{cell.seed}.safetensors"
    make: Callable[[], Problem] = partial(problem, size, weights, layer_norm=layer_norm, seed=cell.seed)
    if cell.task == "fit":
        report({"loss": make().loss().item()})
    elif cell.task == "times":
        report(product.times(make, cell.competitors, repeats=cell.repeats, seed=cell.seed))
    elif cell.task == "errors":
        report(product.errors(make, cell.competitors, seed=cell.seed))
    elif cell.task == "memory":
        report(product.memory(make, cell.competitors[0], seed=cell.seed))
    elif cell.task == "truth":
        report(asdict(truth(make(), size, seed=cell.seed + 1)))
    else:
        true = Truth(**read_json(folder / replace(cell, task="truth", competitors=()).file)["reports"][-1])
        given = make()
        competitor = COMPETITORS[cell.competitors[0]](given)
        competitor.product(product.direction(given, cell.seed))  # what is slow only once is nobody's fault
        TARGETS[cell.task].attempts(
            competitor, true, seed=cell.seed + 2, report=lambda attempt: report(asdict(attempt))
        )
