"""Scaled losses: mixed precision in float16."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LossScale:
    """What a gradient scaler has to be told; without one, and with a disabled one, nothing happens.

    A perturbation does not depend on the scale of the loss. So gradients of the first pass stay scaled, those of the
    second are unscaled once, and the scale is updated once a step.

    Args:
        scaler: e.g. ``torch.amp.GradScaler("cuda")``.
    """

    scaler: torch.amp.GradScaler | None

    @property
    def factor(self) -> float:
        """By which losses are multiplied."""
        return 1.0 if self.scaler is None else float(self.scaler.get_scale())

    def backward(self, loss: Tensor) -> None:
        """Differentiate the scaled loss."""
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()

    def unscale_(self, optimizer: torch.optim.Optimizer) -> bool:
        """Divide the gradients of an optimizer by the factor.

        Returns:
            Whether an overflow is the scaler's business: it lowers the scale, and nobody need be warned.
        """
        called_by_scaler = "found_inf" in vars(optimizer)  # scaler.step(optimizer) puts it there, and the scale
        if called_by_scaler and (scale := vars(optimizer)["grad_scale"]) is not None:
            gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
            torch._foreach_div_(gradients, scale)
        elif self.scaler is not None:
            self.scaler.unscale_(optimizer)
        return called_by_scaler or (self.scaler is not None and self.scaler.is_enabled())

    def update(self) -> None:
        """After a step, taken or skipped."""
        if self.scaler is not None:
            self.scaler.update()
