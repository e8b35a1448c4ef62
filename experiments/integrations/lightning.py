"""Lightning: its automatic optimization calls ``step(closure)``, which is all that is needed.

Needs the package ``pytorch-lightning``.
"""

from collections.abc import Callable
from typing import Any

import pytorch_lightning
import torch
from torch import Tensor, nn

from quotient import AbstractGeometry, RiemannianSAM


class SharpnessAwareModule(pytorch_lightning.LightningModule):
    """Any model and loss, trained by :class:`quotient.RiemannianSAM`.

    The closure that Lightning hands over clears the gradients, runs ``training_step`` and ``backward``: it runs twice a
    step, and so do its hooks; only the first pass logs. Lightning accumulates gradients outside of closures, which then
    see the last micro-batch only, and takes float16 steps without a closure: both are refused.

    Args:
        model: a module.
        loss_fn: the loss of ``(model, batch)``.
        geometry: of the parameters of ``model``.
        base_optimizer: a class of ``torch.optim``.
        **options: of :class:`quotient.RiemannianSAM` and the base optimizer.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: Callable[[nn.Module, Any], Tensor],
        geometry: AbstractGeometry,
        base_optimizer: type[torch.optim.Optimizer],
        **options: Any,
    ) -> None:
        super().__init__()
        self.model, self.loss_fn = model, loss_fn
        self.geometry, self.base_optimizer, self.options = geometry, base_optimizer, options

    @property
    def is_second_pass(self) -> bool:
        """Whether the model is perturbed."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        return isinstance(optimizer, RiemannianSAM) and optimizer.is_perturbed

    def on_fit_start(self) -> None:
        """Raise ``ValueError`` where Lightning would not run the whole step twice."""
        if self.trainer.accumulate_grad_batches != 1 or self.trainer.precision == "16-mixed":
            raise ValueError(
                "expected accumulate_grad_batches=1 and no float16, got "
                f"{self.trainer.accumulate_grad_batches} and precision {self.trainer.precision!r}: take larger "
                "batches and bfloat16, or a loop of your own with step(loss_fn, micro_batches)"
            )

    def configure_optimizers(self) -> RiemannianSAM:
        """The names are those of ``model``, which the geometry knows."""
        return RiemannianSAM(self.model.named_parameters(), self.geometry, self.base_optimizer, **self.options)

    def training_step(self, batch: Any, index: int) -> Tensor:
        """The loss of a batch."""
        loss = self.loss_fn(self.model, batch)
        if not self.is_second_pass:
            self.log("loss", loss)
        return loss
