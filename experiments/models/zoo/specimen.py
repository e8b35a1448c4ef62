"""What is known of a class of models, and what is needed to try detection on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Generator, nn

from ..initial import generic_, settle_statistics_

Head = Literal["raw", "softmax"]
Arguments = Mapping[str, Any]

#: The initial values of other libraries come from the global generator; here they are always the same.
_SEED = 0


@dataclass(frozen=True)
class RealSize:
    """A published configuration, and the exact dimension of its symmetry group.

    Args:
        name: of the checkpoint.
        build: the model; call it under ``torch.device("meta")`` for shapes alone.
        example: keyword arguments of one forward pass, on the device given.
        dimension: by head, in closed form, where it was worked out independently.
    """

    name: str
    build: Callable[[], nn.Module]
    example: Callable[[torch.device], Arguments]
    dimension: Mapping[Head, int] = field(default_factory=dict)

    def on_meta(self) -> tuple[nn.Module, Arguments]:
        """The model without values, and an example for it."""
        with torch.device("meta"):
            model = self.build().eval()
        return model, self.example(torch.device("meta"))


@dataclass(frozen=True)
class Specimen:
    """A class of models, by a tiny configuration with random weights.

    Args:
        name: unique in the zoo.
        build: a small instance, with the values its library gives it.
        inputs: generic inputs, as many as are asked for: keyword arguments of one forward pass. Every token, position
            and token type is reached.
        null: by head, the dimension of the null space of the parameter Jacobian, where it is known independently
            (families that hold only without the eps of a norm left out).
        heads: how the outputs are read, softmax where they are logits.
        scales: the number of scales that norms forget where their eps is zero, where it is known independently.
        audited: how many inputs show that null space.
        sizes: published configurations of the same class.
        library: that it comes from.
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[Generator, int], Arguments]
    null: Mapping[Head, int]
    heads: tuple[Head, ...] = ("raw",)
    scales: int | None = None
    audited: int = 100
    sizes: tuple[RealSize, ...] = ()
    library: str = "torch"

    def generic(self, generator: Generator) -> nn.Module:
        """A float64 instance in evaluation mode, at generic parameters, its running statistics those of inputs."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)
            model = self.build().double().eval()
        for module in model.modules():
            if isinstance(module, nn.Embedding):
                module.padding_idx = None  # it would hide the gradient of a row that the function depends on
        generic_(model, generator)
        if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules()):
            settle_statistics_(model, **self.inputs(generator, self.audited))
        return model
