"""One training run of the study, and the folder that keeps them."""

import math
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from ..report import read_json, write_json
from .contender import Choice, Contender
from .task import AbstractTask

#: Where a run starts: at the initial values, or at another point of their orbit.
STARTS = ("as initialised", "unbalanced")
CONDITION = 30.0


@dataclass(frozen=True)
class Trial:
    """A contender with its options, on a task, from a start.

    Args:
        task: what is trained.
        contender: by what.
        choice: its options.
        seed: of the initial values and the batches.
        start: one of ``STARTS``.
    """

    task: AbstractTask
    contender: Contender
    choice: Choice
    seed: int
    start: str = STARTS[0]

    @property
    def key(self) -> str:
        """A name for the file of the result."""
        options = "_".join(f"{name.replace(' ', '-')}={value:g}" for name, value in sorted(self.choice.items()))
        words = (self.task.name, self.contender.name, options, f"seed={self.seed}", self.start)
        return "__".join(word.replace(" ", "-").replace(",", "") for word in words)

    def run(self) -> dict[str, Any]:
        """Train with a learning rate that falls to zero along a half cosine, and judge the result."""
        begun = perf_counter()
        model = self.task.model(self.seed)
        if self.start == STARTS[1]:
            self.task.unbalanced(model, CONDITION, self.seed)
        optimizer = self.contender.make(self.task, model, self.choice)
        steps = self.task.gradients // self.contender.passes
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.5 * (1.0 + math.cos(math.pi * t / steps)))
        model.train()
        last, failure = math.nan, None
        for _, batch in zip(range(steps), self.task.batches(self.seed), strict=False):

            def closure(batch: Any = batch) -> torch.Tensor:
                optimizer.zero_grad()
                loss = self.task.loss(model, batch)
                loss.backward()
                return loss

            try:
                last = float(optimizer.step(closure).detach())  # type: ignore[arg-type,attr-defined]
            except ValueError as refused:  # a factor that has lost its rank: the run has diverged
                failure, last = str(refused), math.nan
                break
            schedule.step()
            if not math.isfinite(last):
                break
        model.eval()
        record = {
            "task": self.task.name,
            "contender": self.contender.name,
            "choice": self.choice,
            "seed": self.seed,
            "start": self.start,
            "gradients": steps * self.contender.passes,
            "training loss": last,
            "validation loss": math.nan if failure else self.task.validation(model),
            "failure": failure,
        }
        return record | self.task.test(model) | {"seconds": perf_counter() - begun}


@dataclass(frozen=True)
class Archive:
    """Results by trial, each in a file of its own: an interrupted study goes on where it was."""

    folder: Path

    def result(self, trial: Trial) -> dict[str, Any]:
        """The result of a trial, which is run if there is none yet."""
        file = self.folder / f"{trial.key}.json"
        if not file.exists():
            write_json(file, trial.run())
        return read_json(file)
