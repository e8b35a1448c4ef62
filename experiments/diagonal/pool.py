"""Diagonal linear networks trained on one problem, all of them at once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from symmetries import Params

from ..models import DiagonalNet
from .regression import SparseRegression


@dataclass(frozen=True)
class DiagonalPool:
    r"""Networks :math:`x \mapsto \langle u \odot v, x \rangle`, one for each row.

    Args:
        u: shape ``(m, d)``.
        v: shape ``(m, d)``.
        scales: the standard deviation of the initial values of each, shape ``(m,)``.
        steps: of gradient descent, until the last of them had reached the loss asked for.
    """

    u: Tensor
    v: Tensor
    scales: Tensor
    steps: int

    def __len__(self) -> int:
        return len(self.u)

    @property
    def products(self) -> Tensor:
        """The predictors ``u * v``, shape ``(m, d)``."""
        return self.u * self.v

    def params(self, index: int) -> Params:
        """The parameters of one network."""
        return {"u": self.u[index], "v": self.v[index]}

    def network(self) -> DiagonalNet:
        """A module that holds parameters of these shapes."""
        return DiagonalNet(self.u.shape[1]).double().eval()


def trained(
    problem: SparseRegression,
    scales: Tensor,
    *,
    loss: float,
    lr: float,
    max_steps: int,
    generator: torch.Generator,
) -> DiagonalPool:
    r"""Networks of Gaussian initial values after gradient descent, each stopped where its loss is first low enough.

    Small initial values lead to sparse predictors, large ones to predictors of least norm [Woodworth2020].

    Args:
        problem: what they are trained on.
        scales: standard deviations of the initial values, shape ``(m,)``.
        loss: where training stops.
        lr: the learning rate.
        max_steps: the most steps.
        generator: draws the initial values.

    Raises:
        FloatingPointError: networks that have not reached the loss by then, or have diverged.
    """
    shape = (len(scales), problem.inputs.shape[1])
    draws = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    u, v = (scales.unsqueeze(1) * z for z in draws)
    for step in range(max_steps + 1):
        running = ~(problem.loss(u * v) <= loss)
        if not bool(running.any()):
            return DiagonalPool(u, v, scales, step)
        velocity = lr * running.unsqueeze(1) * problem.gradient(u * v)
        u, v = u - velocity * v, v - velocity * u
    raise FloatingPointError(
        f"{int(running.sum())} of {len(scales)} networks have not reached a loss of {loss:g} in {max_steps} steps: "
        "take more steps, or another learning rate"
    )
