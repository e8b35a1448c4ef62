"""Average-case sharpness beside as many plain evaluations of the loss, in turns, draw by draw."""

from functools import partial

import torch
from torch import Generator, Tensor

from measures import average_case_sharpness
from symmetries import ModelSymmetry, Params, trainable_parameters

from ..isolation import Report
from . import plain
from .task import RADIUS, Task, geometry
from .turns import LossInTurns, Turns


class ValueTurns(LossInTurns):
    """A loss that has a plain value taken before every value."""

    def per_batch(self, params: Params) -> Tensor:
        """That of the loss, once a plain value was taken."""
        return self.turns.taken(partial(plain.value, self.plain), partial(super().per_batch, params))


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
