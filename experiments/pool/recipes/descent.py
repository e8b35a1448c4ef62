"""Training down to a given loss."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Descent:
    """Gradient steps until the loss on all training data is small, the same for every model of a pool.

    Models that are compared have then learnt their data equally well, and what they differ in is how [Jiang2020]; at a
    fixed number of steps, the training loss alone would explain much of the gap.

    Args:
        target: the loss to reach.
        steps: after how many to give up.
        every: how often to look, in steps.
    """

    target: float
    steps: int
    every: int = 16

    def run(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Callable[[Any], Tensor],
        batches: Iterator[Any],
        reached: Callable[[], float],
    ) -> dict[str, float]:
        """Train in place.

        Args:
            model: what is trained.
            optimizer: over its parameters; it may evaluate the loss more than once a step.
            loss: of the model on a batch.
            batches: without end.
            reached: the loss on all training data, asked in evaluation mode.

        Returns:
            The number of ``steps``.

        Raises:
            FloatingPointError: a loss that is not finite, or not small enough after the last step.
        """
        now = math.inf
        for step, batch in zip(range(1, self.steps + 1), batches, strict=False):
            model.train()

            def closure(batch: Any = batch) -> Tensor:
                optimizer.zero_grad()
                value = loss(batch)
                value.backward()
                return value

            optimizer.step(closure)  # type: ignore[arg-type]
            if step % self.every == 0:
                model.eval()
                with torch.no_grad():
                    now = reached()
                if now <= self.target:
                    return {"steps": step}
                if not math.isfinite(now):
                    raise FloatingPointError(f"the loss is {now} after {step} steps; lower the learning rate")
        raise FloatingPointError(f"the loss is {now:.3g} after {self.steps} steps, expected {self.target} at most")


def shuffled(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of batches, without end: one random order of all ``count`` examples after the other.

    Example:
        >>> batches = shuffled(5, 2, torch.Generator().manual_seed(0))
        >>> [len(next(batches)) for _ in range(6)]
        [2, 2, 1, 2, 2, 1]

    Args:
        count: of examples.
        size: of a batch; the last of an order may be smaller.
        generator: of the orders.
    """
    while True:
        yield from torch.randperm(count, generator=generator).split(size)
