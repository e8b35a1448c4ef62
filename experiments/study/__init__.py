r"""Does it help? AdamW, SAM, ASAM and quotient SAM at equal gradients, each tuned by the same number of trials.

Claim
    None: this is a question. Each contender has one option tuned on validation data over five values, and is then run
    on fresh seeds from two starts: as initialised, and at another point of the same orbit (condition 30), where the
    function is the same and an invariant optimizer trains the same.

Runs for
    about half an hour for every task on one quiet core; --quick a minute. Trials that are finished are kept.
    --workers trains several at once, and so do several of these commands: --tasks digits, --tasks text, --tasks lora.

Writes
    results/study/trials/          a file for every training run
    results/study/study.json       the tables, the choices; configuration and versions
    results/study/study.md         the tables

Expect
    see docs/study.md for what came out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from measures import replacing

from .. import console
from ..command import option, require_positive
from ..report import markdown_table, provenance, read_json, write_json
from ..work import crew, failures, forget_failures, run
from .comparison import rows, value
from .contender import CONTENDERS, Choice, Contender
from .task import AbstractTask
from .tasks import TASKS
from .trial import STARTS, Trial

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
    threads: int = option(1, "CPU threads, where runs are trained one after the other")
    workers: int = option(1, "runs at once; several have one thread each")
    retry: bool = option(False, "try again what failed")
    output: Path = option(Path("results/study"), "folder to write to, and to go on from")

    def __post_init__(self) -> None:
        for name in self.chosen:
            if name not in TASKS:
                raise ValueError(f"--tasks must be among {', '.join(TASKS)}, got {name!r}")
        for name in ("threads", "workers", "tuning"):
            require_positive(name, getattr(self, name))
        if self.seeds < 2:
            raise ValueError(f"--seeds must be at least 2, for an interval, got {self.seeds}")

    @property
    def chosen(self) -> list[str]:
        """The names of the tasks."""
        return self.tasks.split(",")

    def task(self, name: str) -> AbstractTask:
        """One of them, as long as is asked for."""
        return replace(TASKS[name], gradients=self.gradients) if self.gradients else TASKS[name]


QUICK = Config(tasks="digits", seeds=2, tuning=1, gradients=20)


def main(config: Config) -> None:
    """Tune, train, compare."""
    torch.set_num_threads(config.threads)
    tables = {}
    for task in map(config.task, config.chosen):
        console.heading(task.name)
        tables[task.name] = rows(trained(task, config, tuned(task, config)))
        console.show(tables[task.name])
        write(config, tables)


def tuned(task: AbstractTask, config: Config) -> dict[str, Choice]:
    """For every contender the option with the least mean validation loss; later ones take over what was chosen."""
    choices: dict[str, Choice] = {"AdamW": {}}
    for contender in CONTENDERS:
        choices[contender.name] = best(task, config, contender, choices[contender.after])
    return choices


def best(task: AbstractTask, config: Config, contender: Contender, known: Choice) -> Choice:
    """What is known, and the value of the option of one contender that does best with it.

    Raises:
        ValueError: every value fails, on some seed.
    """
    losses = dict.fromkeys(contender.grid(task), 0.0)
    trials = [
        Trial(config.output / "trials", task, contender, known | {contender.tuned: tried}, seed)
        for tried in losses
        for seed in range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + config.tuning)
    ]
    for trial, result in zip(trials, results(trials, config, f"tuning {contender.name}"), strict=True):
        losses[trial.choice[contender.tuned]] += value(result["validation loss"])
    finite = {tried: loss for tried, loss in losses.items() if loss == loss}
    if not finite:
        raise ValueError(f"{contender.name} fails with every {contender.tuned} of {list(losses)}: nothing to choose")
    return known | {contender.tuned: min(finite, key=lambda tried: finite[tried])}


def trained(task: AbstractTask, config: Config, choices: dict[str, Choice]) -> list[dict[str, Any]]:
    """The runs that are reported."""
    trials = [
        Trial(config.output / "trials", task, contender, choices[contender.name], seed, start)
        for start in STARTS
        for contender in CONTENDERS
        for seed in range(config.seeds)
    ]
    return results(trials, config, "training")


def results(trials: Sequence[Trial], config: Config, label: str) -> list[dict[str, Any]]:
    """Of trials, which are run where there is none yet; what failed is told."""
    if config.retry:
        forget_failures(trials)
    run(trials, crew(config.workers), label=label, unit="run")
    for result, reason in failures(trials).items():
        console.CONSOLE.print(f"{result.stem}: {reason}", markup=False, soft_wrap=True)
    return [read_json(trial.result) for trial in trials]


def write(config: Config, tables: dict[str, list[dict[str, Any]]]) -> None:
    """The tables so far."""
    write_json(config.output / "study.json", provenance(config) | {"tables": tables})
    sections = [f"## {task}\n\n{markdown_table(table)}" for task, table in tables.items()]
    with replacing(config.output / "study.md") as draft:
        draft.write_text("\n".join(sections), encoding="utf-8")
