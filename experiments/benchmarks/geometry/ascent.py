"""Worst-case sharpness beside as many plain gradients, in one process and in turns, step by step."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from measures import EmpiricalLoss, worst_case_sharpness
from quotient import AbstractGeometry
from symmetries import Covector, ModelSymmetry, Params, trainable_parameters

from ..isolation import Report
from ..peak import added_memory
from . import plain
from .task import GEOMETRIES, RADIUS, Task, geometry
from .turns import LossInTurns, Turns

GRADIENTS = "gradients"
#: After as many steps an ascent holds all that it ever holds.
MEMORY_STEPS = 4


class GradientTurns(LossInTurns):
    """A loss that has a plain gradient taken before every gradient."""

    def value_and_gradient(self, params: Params, *, checked: bool = True) -> tuple[Tensor, Covector]:
        """That of the loss, once a plain one was taken."""
        own = partial(super().value_and_gradient, params, checked=checked)
        return self.turns.taken(partial(plain.gradient, self.plain), own)


def ascents(task: Task, who: str, symmetry: ModelSymmetry, report: Report) -> None:
    """Report every round: the seconds of an ascent and of plain gradients, step by step."""
    torch.set_num_threads(task.threads)
    turns = Turns()
    climb = climber(GradientTurns(task, turns), geometry(who, symmetry))
    climb(1)  # what is slow only once
    for _ in range(task.rounds):
        report(turns.timed(partial(climb, task.steps)))


def memory(task: Task, who: str, symmetry: ModelSymmetry, report: Report) -> None:
    """Report the bytes by which a gradient, or an ascent, raises the peak of a fresh process."""
    torch.set_num_threads(task.threads)
    loss = task.loss()
    taken: Callable[[], object] = partial(plain.gradient, loss)
    if who in GEOMETRIES:
        taken = partial(climber(loss, geometry(who, symmetry)), MEMORY_STEPS)
    report({"bytes": added_memory(taken)})


def climber(loss: EmpiricalLoss, ball: AbstractGeometry) -> Callable[[int], object]:
    """The ascent of so many steps."""
    params = trainable_parameters(loss.model)
    return lambda steps: worst_case_sharpness(loss, params, ball, radius=RADIUS, steps=steps, per_batch=False)
