"""What the models of a pool do, and how more of them are made."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from .grid import Configuration, Grid


class AbstractTask(ABC):
    """The architecture of a pool, its training data, and the loss that sharpness is measured of.

    Attributes:
        name: of the task; a pool remembers it.
    """

    name: str

    @abstractmethod
    def model(self, configuration: Configuration, seed: int) -> nn.Module:
        """The model at its initial values, in evaluation mode."""

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
    def example(self) -> Any:
        """An input of the model, from which its symmetry is detected."""


@dataclass(frozen=True)
class Evaluation:
    """What is known of a trained model without measuring its sharpness.

    Args:
        targets: what sharpness should predict: ``train loss``, ``test loss``, ``loss gap``, and where they exist
            ``train error``, ``test error``, ``error gap``, ``shifted error``.
        covariates: what a fair comparison holds fixed, such as ``logit norm`` and ``parameter norm``.
    """

    targets: Mapping[str, float]
    covariates: Mapping[str, float] = field(default_factory=dict)


class AbstractRecipe(AbstractTask):
    """A task whose models are trained here."""

    @abstractmethod
    def grid(self) -> Grid:
        """The hyperparameters and seeds of the full pool."""

    @abstractmethod
    def train(self, model: nn.Module, configuration: Configuration, seed: int) -> None:
        """Train in place.

        Raises:
            FloatingPointError: a run that diverged.
        """

    @abstractmethod
    def evaluate(self, model: nn.Module) -> Evaluation:
        """Judge a trained model."""
