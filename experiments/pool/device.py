"""Where models and data are."""

from typing import TypeVar

from torch import nn

from measures import on_device

Batch = TypeVar("Batch")


def beside(model: nn.Module, batch: Batch) -> Batch:
    """The batch, on the device of the model; the same object where it is there already."""
    placed: Batch = on_device(batch, next(model.parameters()).device)
    return placed
