"""A classifier of texts on top of an encoder."""

import torch
from torch import Tensor, nn

from .encoder import pooled
from .models.initial import initialise_


class TextClassifier(nn.Module):
    """A linear map of the mean hidden state of a text.

    Args:
        encoder: a model of transformers whose configuration has a ``hidden_size``; it is used as it is, not copied.
        classes: how many.
        generator: of the initial values of the linear map.
    """

    def __init__(self, encoder: nn.Module, classes: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        width = encoder.config.hidden_size  # type: ignore[union-attr]
        self.head = nn.Linear(width, classes)  # type: ignore[arg-type]
        initialise_(self.head, generator)
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits, shape ``(texts, classes)``, of tokens and of what is no padding, shape ``(texts, tokens)``."""
        return self.head(pooled(self.encoder, {"input_ids": input_ids, "attention_mask": attention_mask}))
