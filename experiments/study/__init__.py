r"""Does it help? AdamW, SAM, ASAM and quotient SAM at equal gradients, each tuned by the same number of trials.

Claim
    None: this is a question. Each contender has one option tuned on validation data over five values, and is then run
    on fresh seeds from two starts: as initialised, and at another point of the same orbit (condition 30), where the
    function is the same and an invariant optimizer trains the same.

Runs for
    about half an hour for every task on one quiet core; --quick a minute. Trials that are finished are kept.
    Tasks may run side by side: --tasks digits, --tasks text, --tasks lora.

Writes
    results/study/trials/          a file for every training run
    results/study/study.json       the tables, the choices; configuration and versions
    results/study/study.md         the tables

Expect
    see docs/study.md for what came out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from measures import replacing

from .. import console
from ..command import option, require_positive
from ..report import markdown_table, provenance, write_json
from .comparison import rows, value
from .contender import CONTENDERS, Choice
from .task import AbstractTask
from .tasks import TASKS
from .trial import STARTS, Archive, Trial

#: Seeds of trials that choose; reported runs have others.
FIRST_TUNING_SEED = 1000


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the study.

    Raises:
        ValueError: an unknown task, or a value that is not positive.
    """

    tasks: str = option(",".join(TASKS), "which, separated by commas")
    seeds: int = option(5, "runs of every contender that are reported, from each start")
    tuning: int = option(2, "seeds of every trial that chooses")
    gradients: int = option(0, "in a run; by default what the task says")
    threads: int = option(1, "CPU threads")
    output: Path = option(Path("results/study"), "folder to write to, and to go on from")

    def __post_init__(self) -> None:
        for name in self.chosen:
            if name not in TASKS:
                raise ValueError(f"--tasks must be among {', '.join(TASKS)}, got {name!r}")
        require_positive("threads", self.threads)
        require_positive("tuning", self.tuning)
        if self.seeds < 2:
            raise ValueError(f"--seeds must be at least 2, for an interval, got {self.seeds}")

    @property
    def chosen(self) -> list[str]:
        """The names of the tasks."""
        return self.tasks.split(",")


QUICK = Config(tasks="digits", seeds=2, tuning=1, gradients=20)


def main(config: Config) -> None:
    """Tune, train, compare."""
    torch.set_num_threads(config.threads)
    archive = Archive(config.output / "trials")
    tables = {}
    for name in config.chosen:
        task = TASKS[name]()
        if config.gradients:
            task.gradients = config.gradients
        console.heading(task.name)
        choices = tuned(task, archive, config.tuning)
        results = trained(task, archive, choices, config.seeds)
        tables[task.name] = rows(results)
        console.show(tables[task.name])
        write(config, tables)


def tuned(task: AbstractTask, archive: Archive, seeds: int) -> dict[str, Choice]:
    """For every contender the option with the least mean validation loss; later ones take over what was chosen."""
    choices: dict[str, Choice] = {"AdamW": {}}
    for contender in tqdm(CONTENDERS, desc="tuning"):
        known = choices[contender.after]
        losses = {
            tried: sum(
                value(archive.result(Trial(task, contender, known | {contender.tuned: tried}, seed))["validation loss"])
                for seed in range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + seeds)
            )
            for tried in contender.grid(task)
        }
        finite = {tried: loss for tried, loss in losses.items() if loss == loss}
        choices[contender.name] = known | {contender.tuned: min(finite, key=lambda tried: finite[tried])}
    return choices


def trained(task: AbstractTask, archive: Archive, choices: dict[str, Choice], seeds: int) -> list[dict[str, Any]]:
    """The runs that are reported."""
    trials = [
        Trial(task, contender, choices[contender.name], seed, start)
        for start in STARTS
        for contender in CONTENDERS
        for seed in range(seeds)
    ]
    return [archive.result(trial) for trial in tqdm(trials, desc="training")]


def write(config: Config, tables: dict[str, list[dict[str, Any]]]) -> None:
    """The tables so far."""
    write_json(config.output / "study.json", provenance(config) | {"tables": tables})
    sections = [f"## {task}\n\n{markdown_table(table)}" for task, table in tables.items()]
    with replacing(config.output / "study.md") as draft:
        draft.write_text("\n".join(sections), encoding="utf-8")
