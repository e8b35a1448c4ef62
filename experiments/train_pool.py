r"""A pool of models: every point of a recipe's grid trained, in parallel, resumable after a kill at any moment.

Claim
    None: what sharpness says about generalization is measured and judged on the pools that are made here.

Runs for
    recipe vision, 72 models: 20 minutes on 2 cores; text, 54 models: half an hour; finetune, 48 models: an
    hour on one core, minutes on a GPU (--device cuda; extra 'encoder'). --quick less than a minute.
    Several of these commands may work on one pool, also from several machines that share the folder.

Writes
    results/pools/vision/pool.json                     task, grid; configuration, commit and versions
    results/pools/vision/models/ID/weights.safetensors  a model
    results/pools/vision/models/ID/model.json           its hyperparameters, seed, losses and errors; or why it failed

Expect
    see docs/results/vision.md, text.md and finetune.md for how the models differ.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch

from . import console
from .command import option, require_positive
from .pool import AbstractRecipe, Pool, trainings
from .pool.recipes import RECIPES
from .report import provenance
from .work import AbstractJob, crew, failures, forget_failures, run


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the training of a pool.

    Raises:
        ValueError: an unknown recipe, or a number that cannot be.
    """

    recipe: str = option("vision", f"one of {', '.join(RECIPES)}")
    workers: int = option(2, "processes, of one thread each")
    models: int = option(0, "how many, spread over the grid; 0 for all of it")
    device: str = option("cpu", "where to train, such as cuda")
    retry: bool = option(False, "try again what failed")
    small: bool = option(False, "tiny models on a small grid")
    options: str = option("{}", "of the recipe, as JSON: '{\"images\": 1000}'")
    output: Path = option(Path("results/pools/vision"), "folder of the pool, to begin or to go on with")

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise ValueError(f"--recipe must be one of {', '.join(RECIPES)}, got {self.recipe!r}")
        require_positive("workers", self.workers)
        if self.models < 0:
            raise ValueError(f"--models must not be negative, got {self.models}")
        self.made()

    def made(self) -> AbstractRecipe:
        """The recipe with its options."""
        kind = RECIPES[self.recipe]
        base = kind.small() if self.small else kind()
        try:
            return kind.remade(asdict(base) | json.loads(self.options))
        except (TypeError, ValueError) as refused:
            names = ", ".join(f.name for f in fields(base))
            raise ValueError(
                f"--options must be JSON with names among {names}, got {self.options} ({refused})"
            ) from None


QUICK = Config(small=True, models=12, output=Path("results/pools/quick"))


def main(config: Config) -> None:
    """Train what is missing."""
    torch.set_num_threads(1)  # as in the processes that help: the same numbers whoever does the work
    recipe = config.made()
    pool = Pool(config.output)
    pool.describe(recipe, grid=asdict(recipe.grid()), **provenance(config))
    jobs = trainings(pool, recipe, models=config.models or None, device=config.device)
    if config.retry:
        forget_failures(jobs)
    run(jobs, crew(config.workers), label=recipe.name)
    summarise(pool, jobs)


def summarise(pool: Pool, jobs: Sequence[AbstractJob]) -> None:
    """How far the models differ, and which failed."""
    trained = pool.trained
    console.heading(f"{len(trained)} models in {pool.folder}")
    if trained and trained[0].targets:
        console.show([spread(name, [member.targets[name] for member in trained]) for name in trained[0].targets])
    for result, reason in failures(jobs).items():
        console.CONSOLE.print(f"{result.parent.name}: {reason}", markup=False, soft_wrap=True)


def spread(name: str, values: list[float]) -> dict[str, float | str]:
    """A row of the table."""
    column = torch.tensor(values, dtype=torch.float64)
    deviation = column.std(correction=0).item()
    return {
        "target": name,
        "mean": column.mean().item(),
        "deviation": deviation,
        "least": column.min().item(),
        "most": column.max().item(),
    }
