"""What a training study trains: a model, its data, and how it is judged."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from quotient import AbstractGeometry, Quotient
from symmetries import Element, ModelSymmetry, detect

Rest = Literal["elementwise", "euclidean"]


@dataclass(frozen=True)
class AbstractTask(ABC):
    """A model and data, split into training, validation and test.

    It holds numbers alone, as it is sent to other processes; those find model, data and group by it.

    Args:
        gradients: how many gradients a training run evaluates, whatever the optimizer.

    Attributes:
        name: of the task.
        rates: learning rates to choose from, for steps by AdamW.
        riemannian_rates: learning rates to choose from, for steps in the metric.
    """

    name: ClassVar[str]
    rates: ClassVar[tuple[float, ...]]
    riemannian_rates: ClassVar[tuple[float, ...]] = (3e-3, 1e-2, 3e-2, 1e-1, 3e-1)

    gradients: int

    @abstractmethod
    def model(self, seed: int) -> nn.Module:
        """The model at its initial values."""

    @abstractmethod
    def batches(self, seed: int) -> Iterator[Any]:
        """Training batches, without end."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """The mean loss on a batch."""

    @abstractmethod
    def validation(self, model: nn.Module) -> float:
        """The loss that choices are made by."""

    @abstractmethod
    def test(self, model: nn.Module) -> dict[str, float]:
        """What is reported, by name; the first entry is a loss."""

    @abstractmethod
    def example(self) -> Any:
        """An input of the model."""

    def symmetry(self) -> ModelSymmetry:
        """The group of the model."""
        return _group(self)

    def geometry(self, rest: Rest) -> AbstractGeometry:
        """Modulo that group; ``rest`` is the metric of what no group acts on."""
        return Quotient(self.symmetry(), rest=rest)

    def unbalanced(self, model: nn.Module, condition: float, seed: int) -> None:
        """Move the model along its orbit, in place: the same function at other parameters."""
        symmetry, generator = self.symmetry(), torch.Generator().manual_seed(seed)
        g: Element = symmetry.random(generator, condition)
        params = {name: p.detach().double() for name, p in model.named_parameters() if name in symmetry.shapes}
        moved = symmetry.act(g, params)
        with torch.no_grad():
            for name, p in model.named_parameters():
                if name in moved:
                    p.copy_(moved[name])


@cache
def _group(task: AbstractTask) -> ModelSymmetry:
    """Found once in a process: it does not depend on the values of the parameters."""
    return detect(task.model(0).eval(), task.example())
