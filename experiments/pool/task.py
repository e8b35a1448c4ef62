"""What the models of a pool do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from .grid import Configuration


@dataclass(frozen=True)
class AbstractTask(ABC):
    """The architecture of a pool, its training data, and the loss that sharpness is measured of.

    Data are made on the CPU; models and batches that come together are on one device.

    A task is a frozen dataclass: a pool remembers its name and its fields, which are numbers and words, and makes
    it again from them.

    Attributes:
        name: of the task.
    """

    name: ClassVar[str]

    @classmethod
    def remade(cls, options: Mapping[str, Any]) -> Self:
        """The task with fields as JSON holds them, lists in the place of tuples; absent ones have their defaults."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in options.items()})

    @abstractmethod
    def model(self, configuration: Configuration, seed: int) -> nn.Module:
        """The model at its initial values, in evaluation mode and in the precision that it is measured in."""

    @abstractmethod
    def sample(self, number: int, *, examples: int, batch: int) -> list[Any]:
        """Batches of training examples that measures are taken on, always the same for one number.

        Samples of different numbers have no example in common, as far as the data reach.
        """

    @abstractmethod
    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """The mean training loss on a batch, without any regularizer."""

    @abstractmethod
    def logits(self, model: nn.Module, batch: Any) -> Tensor:
        """What the loss is computed from, shape ``(..., classes)``."""

    @abstractmethod
    def labels(self, batch: Any) -> Tensor:
        """What the logits should say, integers of shape ``(...)``."""

    @abstractmethod
    def example(self) -> Any:
        """An input of the model, from which its symmetry is detected."""
