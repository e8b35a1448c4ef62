r"""A pool that others have trained: models, numbers and data from local files; then measured and judged like any other.

Claim
    None: published models become the members of a pool, and nothing is copied but numbers.

Runs for
    as long as it takes to read every checkpoint once, a few seconds each; with --evaluate, a forward pass of as many
    training and test examples more. docs/pools.md has the commands for three published pools.

Writes
    results/pools/brought/pool.json             layout, where data and checkpoints lie; configuration, commit, versions
    results/pools/brought/models/ID/model.json  hyperparameters, seed, losses and errors, and the path of the checkpoint

Expect
    every checkpoint that has numbers as a member; those that cannot be read are listed with the reason.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from .command import option, require_positive
from .pool import Pool
from .pool.bringing import Bringing, matched
from .pool.brought import BROUGHT, Record
from .report import provenance
from .train_pool import summarise
from .work import crew, forget_failures, run

NOWHERE = Path()


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of bringing a pool.

    Raises:
        ValueError: an unknown layout, a folder that is not there, or a number that cannot be.
    """

    layout: str = option("hugging-face", f"how files are laid out: {', '.join(BROUGHT)}")
    checkpoints: Path = option(NOWHERE, "folder of the models")
    results: Path = option(NOWHERE, "their numbers, a table; cifar-vit, hugging-face and timm do without")
    data: Path = option(NOWHERE, "folder of the data that they were trained on")
    base: Path = option(NOWHERE, "folder of what checkpoints share and do not carry: configuration, vocabulary")
    evaluate: int = option(
        0, "examples of training and of test data to evaluate on; gaps need it where none are published"
    )
    device: str = option("cpu", "where to evaluate, such as cuda")
    double: bool = option(False, "measure in double precision")
    partial: bool = option(False, "leave out checkpoints without numbers, and numbers without checkpoint")
    retry: bool = option(False, "try again what could not be read")
    workers: int = option(2, "processes, of one thread each")
    output: Path = option(Path("results/pools/brought"), "folder of the pool, to begin or to go on with")

    def __post_init__(self) -> None:
        if self.layout not in BROUGHT:
            raise ValueError(f"--layout must be one of {', '.join(BROUGHT)}, got {self.layout!r}")
        require_positive("workers", self.workers)
        if self.evaluate < 0:
            raise ValueError(f"--evaluate must not be negative, got {self.evaluate}")

    def require_folders(self) -> None:
        """Raise ``ValueError`` unless models and data are there."""
        for name, path in (("checkpoints", self.checkpoints), ("data", self.data)):
            if path == NOWHERE or not path.is_dir():
                raise ValueError(f"--{name} must be a folder, got {path}")


QUICK = Config(evaluate=64)


def main(config: Config) -> None:
    """Bring what is missing."""
    torch.set_num_threads(1)
    config.require_folders()
    jobs = bringings(config)
    if config.retry:
        forget_failures(jobs)
    run(jobs, crew(config.workers), label=config.layout)
    summarise(jobs[0].pool, jobs)


def bringings(config: Config) -> list[Bringing]:
    """One for every model that is found, in a pool that is described.

    Raises:
        ValueError: no models, or models without numbers or numbers without models.
    """
    kind, absolute = BROUGHT[config.layout], config.checkpoints.resolve()
    checkpoints = kind.checkpoints(absolute)
    if not checkpoints:
        raise ValueError(f"expected checkpoints in the layout {config.layout} in {absolute}, found none")
    try:
        records = kind.records(checkpoints, None if config.results == NOWHERE else config.results)
    except KeyError as error:
        raise ValueError(f"{config.results} has no column {error}: it is not of the layout {config.layout}") from error
    names = matched(checkpoints, records, partial=config.partial)
    base = None if config.base == NOWHERE else config.base.resolve()
    try:
        task = kind.of(checkpoints[names[0]], data=config.data.resolve(), base=base, double=config.double)
    except KeyError as error:
        raise ValueError(
            f"{checkpoints[names[0]]} has no {error}: it is no checkpoint in the layout {config.layout}"
        ) from error
    task.example()  # data that are absent are noticed before anything is written
    pool = Pool(config.output)
    pool.describe(task, **provenance(config))
    return [
        Bringing(pool, task, name, checkpoints[name], told(name, records[name]), config.evaluate, config.device)
        for name in names
    ]


def told(name: str, record: Record) -> Record:
    """A record with a configuration: what has no hyperparameters, such as runs that differ in their seed, is one each.

    Intervals are over configurations; here models are what might have been others.
    """
    return record if record.configuration else replace(record, configuration={"model": name})
