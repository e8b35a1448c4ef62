"""Average-case sharpness beside as many plain evaluations of the loss, in turns, draw by draw."""

from functools import partial

import torch
from torch import Generator, Tensor

from measures import EmpiricalLoss, average_case_sharpness
from symmetries import ModelSymmetry, Params, trainable_parameters

from ..isolation import Report
from . import plain
from .task import RADIUS, Task, geometry
from .turns import Turns


class ValueTurns(EmpiricalLoss):
    """The loss of a task, that has a model of its own evaluated plainly before every evaluation."""

    def __init__(self, task: Task, turns: Turns) -> None:
        loss = task.loss()
        super().__init__(loss.model, loss.loss_fn, loss.batches, microbatch=loss.microbatch)
        self._plain, self._turns = task.loss(), turns

    def per_batch(self, params: Params) -> Tensor:
        """That of the loss, once a plain value was taken."""
        return self._turns.taken(partial(plain.value, self._plain), partial(super().per_batch, params))


def averages(task: Task, who: str, symmetry: ModelSymmetry, report: Report) -> None:
    """Report the seconds of an average and of plain evaluations: of one at the point, and one for every draw."""
    torch.set_num_threads(task.threads)
    turns = Turns()
    loss, ball = ValueTurns(task, turns), geometry(who, symmetry)
    params, generator = trainable_parameters(loss.model), Generator().manual_seed(task.seed)

    def average(draws: int) -> object:
        return average_case_sharpness(loss, params, ball, radius=RADIUS, samples=draws, generator=generator)

    average(1)  # what is slow only once
    report(turns.timed(partial(average, task.steps)))
