"""A training loop under ``accelerate``.

Needs the package ``accelerate``, which comes with the extra ``peft``.
"""

from collections.abc import Callable, Iterable
from typing import Any

from accelerate import Accelerator
from torch import Tensor, nn

from quotient import RiemannianSAM


def train(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: RiemannianSAM,
    batches: Iterable[Any],
    loss_fn: Callable[[nn.Module, Any], Tensor],
    *,
    max_norm: float | None = None,
) -> list[float]:
    """One pass over the batches, in two passes each.

    Args:
        accelerator: devices, processes, precision.
        model: not prepared yet.
        optimizer: made from its ``named_parameters()``, before a wrapper changes the names.
        batches: a data loader.
        loss_fn: the loss of a batch.
        max_norm: to which gradients are clipped.

    Returns:
        The loss at the point of every step.
    """
    wrapped, stepper, loader = accelerator.prepare(model, optimizer, batches)
    optimizer.to_representative()
    losses = []
    for batch in loader:
        with optimizer.unperturbed():
            loss = loss_fn(wrapped, batch)
            accelerator.backward(loss)
        if optimizer.due:
            with optimizer.perturbed():
                optimizer.zero_grad()
                accelerator.backward(loss_fn(wrapped, batch))
        if max_norm is not None:
            accelerator.clip_grad_norm_(model.parameters(), max_norm)
        stepper.step()
        stepper.zero_grad()
        losses.append(float(loss.detach()))
    return losses
