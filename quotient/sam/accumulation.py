"""Micro-batches: one gradient from several backward passes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

#: A fresh context on every call, inside which gradients are not averaged over processes: ``ddp.no_sync``.
NoSync = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Accumulation:
    r"""The loss :math:`\sum_i w_i L_i` over micro-batches, differentiated one by one.

    Args:
        loss_fn: the loss of a micro-batch, a scalar tensor.
        micro_batches: held, since they are needed twice.
        weights: of their losses; equal ones by default, for a mean over micro-batches of one size.
        backward: differentiates a loss.

    Raises:
        ValueError: no micro-batch, or another number of weights.
    """

    loss_fn: Callable[[Any], Tensor]
    micro_batches: Sequence[Any]
    weights: Sequence[float]
    backward: Callable[[Tensor], None]

    @classmethod
    def of(
        cls,
        loss_fn: Callable[[Any], Tensor],
        micro_batches: Iterable[Any],
        weights: Iterable[float] | None,
        backward: Callable[[Tensor], None],
    ) -> "Accumulation":
        """With the weights filled in."""
        batches = tuple(micro_batches)
        given = tuple(1.0 / len(batches) for _ in batches) if weights is None else tuple(weights)
        if not batches or len(given) != len(batches):
            raise ValueError(f"expected micro-batches, each with a weight, got {len(batches)} and {len(given)} weights")
        return cls(loss_fn, batches, given, backward)

    def __iter__(self) -> Iterator["Accumulation"]:
        """Every micro-batch by itself, with its weight."""
        for batch, weight in zip(self.micro_batches, self.weights, strict=True):
            yield Accumulation(self.loss_fn, (batch,), (weight,), self.backward)

    def sweep(self, no_sync: NoSync = nullcontext) -> Tensor:
        """Add up the gradients of all of them; processes average once, with the last."""
        total = torch.zeros(())
        last = len(self.micro_batches) - 1
        for i, (batch, weight) in enumerate(zip(self.micro_batches, self.weights, strict=True)):
            with nullcontext() if i == last else no_sync():
                loss = self.loss_fn(batch) * weight
                self.backward(loss)
            total = total.to(loss) + loss.detach()
        return total
