"""Values and gradients of a loss as anybody would take them."""

from collections.abc import Iterator
from typing import Any

import torch

from measures import EmpiricalLoss


def value(loss: EmpiricalLoss) -> None:
    """Evaluate the loss at the parameters of its model."""
    with torch.no_grad():
        for _, piece in _pieces(loss):
            loss.loss_fn(loss.model, piece)


def gradient(loss: EmpiricalLoss) -> None:
    """Take its gradient there, and forget it."""
    loss.model.zero_grad()
    with torch.enable_grad():
        for share, piece in _pieces(loss):
            (loss.loss_fn(loss.model, piece) * share).backward()
    loss.model.zero_grad()


def _pieces(loss: EmpiricalLoss) -> Iterator[tuple[float, tuple[Any, ...]]]:
    """The microbatches of the only batch, each with its part of the examples."""
    (batch,), size = loss.batches, loss.microbatch
    for piece in zip(*(part.split(size or len(part)) for part in batch), strict=True):
        yield len(piece[0]) / len(batch[0]), piece
