"""How the models of a pool are made."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from torch import nn

from .grid import Configuration, Grid
from .task import AbstractTask


@dataclass(frozen=True)
class AbstractRecipe(AbstractTask):
    """A task whose models are trained here."""

    @classmethod
    @abstractmethod
    def small(cls) -> Self:
        """The same in seconds: tiny models and a grid of at least twelve, for a try and for tests."""

    @abstractmethod
    def grid(self) -> Grid:
        """The hyperparameters and seeds of the full pool."""

    @abstractmethod
    def train(self, model: nn.Module, configuration: Configuration, seed: int) -> Mapping[str, float]:
        """Train in place; what is worth knowing of the run, such as its steps, is returned.

        Raises:
            FloatingPointError: a run that diverged, or did not come as far as it should.
        """

    @abstractmethod
    def parts(self, configuration: Configuration) -> Mapping[str, Sequence[Any]]:
        """Batches to evaluate on: ``train`` (what this model was trained on), ``test``, and perhaps ``shifted``."""
