"""Trajectory losses: flatness for the price of one gradient, by staying close to what the model said before."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def trajectory_loss(now: Tensor, past: Tensor, *, temperature: float = 5.0) -> Tensor:
    r"""The divergence of softened predictions from earlier ones [Du2022], in the mean over examples.

    .. math:: \tau^2 \, \mathrm{KL}\bigl(\mathrm{softmax}(z' / \tau) \,\|\, \mathrm{softmax}(z / \tau)\bigr)

    for logits z of now and z' of the past, which are not differentiated.

    Args:
        now: z, shape ``(examples, classes)``.
        past: z', of the same shape.
        temperature: :math:`\tau`.

    Raises:
        ValueError: shapes that differ, or a temperature that is not positive.
    """
    if now.shape != past.shape or now.ndim != 2:
        raise ValueError(f"expected logits of one shape (examples, classes), got {now.shape} and {past.shape}")
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    before = F.log_softmax(past.detach() / temperature, dim=-1)
    divergence = F.kl_div(F.log_softmax(now / temperature, dim=-1), before, reduction="batchmean", log_target=True)
    return temperature**2 * divergence


class SAF(nn.Module):
    r"""Sharpness-aware training for free [Du2022]: close to the logits of some epochs ago.

    To be added to the loss; the logits of all training examples in the last epochs are kept, ``epochs`` times
    ``examples`` times ``classes`` numbers, in buffers, so that a checkpoint of this module resumes.

    Example:
        >>> import torch
        >>> saf = SAF(examples=4, classes=3, epochs=1)
        >>> logits, index = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([2])
        >>> saf(logits, index).item(), saf.next_epoch()
        (0.0, None)
        >>> saf(-logits, index).item() > 0
        True

    Args:
        examples: in the training set.
        classes: logits of each.
        epochs: how far back; the penalty is zero until then.
        weight: of the penalty.
        temperature: of the distributions that are compared.
    """

    logits: Tensor
    epoch: Tensor

    def __init__(
        self, examples: int, classes: int, *, epochs: int = 3, weight: float = 0.3, temperature: float = 5.0
    ) -> None:
        super().__init__()
        self.epochs, self.weight, self.temperature = epochs, weight, temperature
        self.register_buffer("logits", torch.zeros(epochs, examples, classes))
        self.register_buffer("epoch", torch.zeros((), dtype=torch.long))

    def forward(self, logits: Tensor, index: Tensor) -> Tensor:
        """The penalty, from the numbers of the examples in the batch; their logits are kept for later epochs."""
        slot = int(self.epoch) % self.epochs
        past = self.logits[slot, index].to(logits)
        self.logits[slot, index] = logits.detach().to(self.logits)
        if int(self.epoch) < self.epochs:
            return logits.new_zeros(())
        return self.weight * trajectory_loss(logits, past, temperature=self.temperature)

    def next_epoch(self) -> None:
        """To be called when all examples have been seen."""
        self.epoch += 1


class MESA(nn.Module):
    r"""Memory-efficient sharpness-aware training [Du2022]: close to a moving average of the model.

    To be added to the loss, at the price of one more forward pass. A checkpoint of this module resumes.

    Args:
        model: copied; :meth:`update` follows it.
        decay: of the average, for each update.
        weight: of the penalty.
        temperature: of the distributions that are compared.
    """

    def __init__(
        self, model: nn.Module, *, decay: float = 0.9998, weight: float = 0.8, temperature: float = 5.0
    ) -> None:
        super().__init__()
        self.weight, self.temperature = weight, temperature
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)

    def forward(self, logits: Tensor, *inputs: Any) -> Tensor:
        """The penalty for the model's logits at some inputs."""
        with torch.no_grad():
            past = self.average(*inputs)
        return self.weight * trajectory_loss(logits, past, temperature=self.temperature)

    def update(self, model: nn.Module) -> None:
        """To be called after every step."""
        self.average.update_parameters(model)
