"""One training run of the study."""

import math
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import nn

from ..work import AbstractJob
from .contender import Choice, Contender
from .task import AbstractTask

#: Where a run starts: at the initial values, or at another point of their orbit.
STARTS = ("as initialised", "unbalanced")
CONDITION = 30.0


@dataclass(frozen=True)
class Trial(AbstractJob):
    """A contender with its options, on a task, from a start.

    Args:
        folder: of the results.
        task: what is trained.
        contender: by what.
        choice: its options.
        seed: of the initial values and the batches.
        start: one of ``STARTS``.
    """

    folder: Path
    task: AbstractTask
    contender: Contender
    choice: Choice
    seed: int
    start: str = STARTS[0]

    @property
    def result(self) -> Path:
        """A file with a name that says all of it."""
        options = "_".join(f"{name.replace(' ', '-')}={value:g}" for name, value in sorted(self.choice.items()))
        length = f"{self.task.gradients} gradients"
        words = (self.task.name, self.contender.name, options, f"seed={self.seed}", self.start, length)
        key = "__".join(word.replace(" ", "-").replace(",", "") for word in words)
        return self.folder / f"{key}.json"

    @property
    def steps(self) -> int:
        """Of the optimizer."""
        return self.task.gradients // self.contender.passes

    def document(self) -> dict[str, Any]:
        """Train, and judge the result.

        Raises:
            ValueError: a factor has lost its rank: the run has diverged.
        """
        begun = perf_counter()
        model = self.task.model(self.seed)
        if self.start == STARTS[1]:
            self.task.unbalanced(model, CONDITION, self.seed)
        last = self._train(model)
        losses = {"training loss": last, "validation loss": self.task.validation(model)}
        return self._record | losses | self.task.test(model) | {"seconds": perf_counter() - begun}

    def failed(self, reason: str) -> dict[str, Any]:
        """What it was, without numbers."""
        return self._record | {"validation loss": math.nan, "failure": reason}

    @property
    def _record(self) -> dict[str, Any]:
        return {
            "task": self.task.name,
            "contender": self.contender.name,
            "choice": self.choice,
            "seed": self.seed,
            "start": self.start,
            "gradients": self.steps * self.contender.passes,
        }

    def _train(self, model: nn.Module) -> float:
        """Train in place, with a learning rate that falls to zero along a half cosine; the last training loss."""
        optimizer = self.contender.make(self.task, model, self.choice)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda t: 0.5 * (1.0 + math.cos(math.pi * t / self.steps))
        )
        model.train()
        last = math.nan
        for _, batch in zip(range(self.steps), self.task.batches(self.seed), strict=False):

            def closure(batch: Any = batch) -> torch.Tensor:
                optimizer.zero_grad()
                loss = self.task.loss(model, batch)
                loss.backward()
                return loss

            last = float(optimizer.step(closure).detach())  # type: ignore[arg-type,attr-defined]
            schedule.step()
            if not math.isfinite(last):
                break
        model.eval()
        return last
