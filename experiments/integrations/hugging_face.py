"""Hugging Face's ``Trainer``, with the second pass of sharpness-aware minimization.

Needs the extra ``hf``.
"""

from typing import Any

from torch import Tensor, nn

from quotient import RandomState, RiemannianSAM

from ..models.zoo.optional import library

library("transformers")  # whose trainer imports torchvision, of whatever build
from transformers import Trainer  # noqa: E402


class SharpnessAwareTrainer(Trainer):
    """A ``Trainer`` whose optimizer is a :class:`quotient.RiemannianSAM`, given as ``optimizers=(optimizer, None)``.

    After the last micro-batch of a step the model is perturbed, and all micro-batches are swept again, with the same
    dropout masks. Clipping, schedulers, mixed precision, checkpoints and callbacks are those of ``Trainer``, and act
    on the gradients of the second sweep. The loss it logs is that of the first.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._swept: list[tuple[dict[str, Any], RandomState]] = []

    def training_step(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """One micro-batch; with the last of a step, the second sweep."""
        optimizer = self.sharpness_aware_optimizer()
        if not self._swept:
            optimizer.to_representative()
        self._swept.append((inputs, RandomState.capture(model.parameters())))
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        if self.accelerator.sync_gradients:
            swept, self._swept = self._swept, []
            if optimizer.due:
                with optimizer.perturbed():
                    optimizer.zero_grad()
                    for again, random in swept:
                        with random.replayed():
                            super().training_step(model, again, num_items_in_batch)
        return loss

    def sharpness_aware_optimizer(self) -> RiemannianSAM:
        """The optimizer, out of its wrapper.

        Raises:
            TypeError: another one was given.
        """
        optimizer: object = getattr(self.optimizer, "optimizer", self.optimizer)
        if not isinstance(optimizer, RiemannianSAM):
            raise TypeError(
                f"expected a RiemannianSAM, got {type(optimizer).__name__}: pass optimizers=(optimizer, None)"
            )
        return optimizer
