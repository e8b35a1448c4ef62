"""Models of the library transformers: how they are built, and what they read."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, nn

from . import tiny
from .optional import library
from .specimen import Arguments, Head

Inputs = Callable[[Generator, int], Arguments]

#: The heads of a model that gives logits.
LOGITS: tuple[Head, ...] = ("raw", "softmax")
UNTIED: dict[str, Any] = {"tie_word_embeddings": False}


def model(
    name: str, config: str, /, *, keywords: dict[str, Any] | None = None, **sizes: Any
) -> Callable[[], nn.Module]:
    """How to build ``transformers.<name>`` from ``transformers.<config>`` of these sizes."""

    def build() -> nn.Module:
        transformers = library("transformers")
        return getattr(transformers, name)(getattr(transformers, config)(**sizes), **(keywords or {}))

    return build


def causal(name: str, /, **sizes: Any) -> Callable[[], nn.Module]:
    """A decoder whose configuration has the name of its family."""
    family = name.removesuffix("ForCausalLM")
    config = {"Gemma3": "Gemma3TextConfig"}.get(family, f"{family}Config")
    return model(name, config, use_cache=False, **sizes)


def tokens(low: int = 0, length: int = tiny.POSITIONS) -> Inputs:
    """Uniform tokens from ``low`` on."""

    def draw(generator: Generator, count: int) -> Arguments:
        return {"input_ids": torch.randint(low, tiny.VOCABULARY, (count, length), generator=generator)}

    return draw
