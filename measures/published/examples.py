"""Losses and gradients of single examples."""

from dataclasses import dataclass

from quotient import AbstractChart, AbstractGeometry, Coordinates, scaled
from symmetries import Params

from ..batch import microbatches
from ..local_loss import around
from ..loss import EmpiricalLoss


def examples(loss: EmpiricalLoss) -> list[tuple[float, EmpiricalLoss]]:
    r"""The share and the loss of every example: :math:`L = \sum_i w_i \ell_i` with :math:`\sum_i w_i = 1`.

    An example is one entry of the first axis of a batch; a sequence of tokens is one. This is L where ``loss_fn`` is a
    mean over examples with equal weights, and evaluates them independently of each other. A mean over tokens gives
    longer sequences more weight in L; as examples they have equal weights.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: f(x).mean(), [torch.tensor([[1.0], [5.0]])])
        >>> [(share, example({"weight": torch.ones(1, 1)}).item()) for share, example in examples(loss)]
        [(0.5, 1.0), (0.5, 5.0)]

    Raises:
        ValueError: batches whose tensors have no first axis of one common length.
    """
    return [
        (share / len(loss.batches), EmpiricalLoss(loss.model, loss.loss_fn, [example], fixed=loss.fixed))
        for batch in loss.batches
        for share, example in microbatches(batch, 1)
    ]


@dataclass(frozen=True)
class ExampleGradients:
    r"""The gradients :math:`\sqrt{w_i}\, P E^T \nabla \ell_i` of all examples, each computed when it is asked for.

    Args:
        losses: what :func:`examples` returns.
        chart: the frame E and the horizontal projection P.
    """

    losses: list[tuple[float, EmpiricalLoss]]
    chart: AbstractChart

    @classmethod
    def of(cls, loss: EmpiricalLoss, params: Params, geometry: AbstractGeometry) -> "ExampleGradients":
        """Those of a loss at the representative of ``params`` in the geometry."""
        return cls(examples(loss), around(loss, params, geometry).chart)

    def __len__(self) -> int:
        return len(self.losses)

    def __getitem__(self, index: int) -> Coordinates:
        """One gradient, by one backward pass."""
        share, example = self.losses[index]
        gradient = self.chart.project(self.chart.components(example.gradient(self.chart.point)))
        return scaled(gradient, share**0.5)
