"""Products with the Hessian of a geometry beside plain ones of the same loss, in turns."""

from dataclasses import replace
from functools import partial

import torch
from torch import Generator

from measures import EmpiricalLoss, RiemannianHessian
from quotient import AbstractChart
from symmetries import Covector, ModelSymmetry, Tangent, trainable_parameters

from ..isolation import Report
from .task import Task, geometry
from .turns import Turns

#: One product after the other: what lies between them is what the geometry does.
PRODUCTS = 3
#: One in so many examples of a batch: graphs for second derivatives of all may take more memory than there is.
SHARE = 4


class ProductTurns(RiemannianHessian):
    """The Hessian of a geometry, that has the Euclidean product taken once more before it takes its own."""

    def __init__(self, loss: EmpiricalLoss, chart: AbstractChart, turns: Turns) -> None:
        super().__init__(loss, chart)
        self._turns = turns

    def product(self, tangent: Tangent) -> Covector:
        """The Euclidean one, once it was taken."""
        euclidean = partial(super().product, tangent)
        return self._turns.taken(euclidean, euclidean)


def products(task: Task, who: str, symmetry: ModelSymmetry, report: Report) -> None:
    """Report the seconds of products on a share of the batch, and of the graphs and bases before them."""
    torch.set_num_threads(task.threads)
    task = replace(task, batch=-(-task.batch // SHARE))
    loss, ball, turns = task.loss(), geometry(who, symmetry), Turns()

    def multiply() -> None:
        point = ball.representative({name: p.detach() for name, p in trainable_parameters(loss.model).items()})
        hessian = ProductTurns(loss, ball.chart(point), turns)
        vector = hessian.random(Generator().manual_seed(task.seed))
        for _ in range(PRODUCTS):
            hessian(vector)

    report(turns.timed(multiply))
