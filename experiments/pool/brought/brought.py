"""What the models of a pool do that others have trained."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...local.examples import AbstractExamples, Batch
from ..grid import Configuration
from ..sample import portion
from ..task import AbstractTask
from .record import Record

Part = Literal["train", "test"]

#: Examples in one forward pass of an evaluation.
EVALUATED = 64


@dataclass(frozen=True, kw_only=True)
class AbstractBrought(AbstractTask):
    """Classification by models whose checkpoints, numbers and data lie in local files, in a layout of their own.

    Args:
        data: folder of the data.
        double: models are measured in double precision, whatever their checkpoints hold.
    """

    data: str
    double: bool = False

    @classmethod
    @abstractmethod
    def of(cls, checkpoint: Path, *, data: Path, base: Path | None = None, double: bool = False) -> Self:
        """The task of a pool to which a checkpoint belongs: its sizes are read from there.

        Args:
            checkpoint: any of the pool.
            data: folder of the data.
            base: folder of what the checkpoints share and do not carry, such as a vocabulary.
            double: see the class.

        Raises:
            ValueError: a checkpoint of another kind, or something that is shared is absent.
        """

    @staticmethod
    @abstractmethod
    def checkpoints(folder: Path) -> dict[str, Path]:
        """The checkpoints in a folder, by the names that their models get in the pool; perhaps none."""

    @staticmethod
    @abstractmethod
    def records(checkpoints: Mapping[str, Path], results: Path | None) -> dict[str, Record]:
        """What is known of the models, by name.

        Args:
            checkpoints: that were found.
            results: the file of numbers; None where there is none.

        Raises:
            ValueError: no such file, or one of another form.
        """

    @staticmethod
    @abstractmethod
    def weights(checkpoint: Path) -> dict[str, Tensor]:
        """The state of a model, in the names of :meth:`network`.

        Raises:
            ValueError: a file that is absent or damaged.
        """

    @abstractmethod
    def network(self) -> nn.Module:
        """The model, with any values."""

    @abstractmethod
    def examples(self, part: Part) -> AbstractExamples:
        """A part of the data.

        Raises:
            ValueError: it is absent.
        """

    def model(self, configuration: Configuration, seed: int) -> nn.Module:
        """See :class:`AbstractTask`; all models of the pool have one architecture."""
        return self._precise(self.network()).eval()

    def sample(self, number: int, *, examples: int, batch: int) -> list[Batch]:
        """Training examples, as they lie on disk: without augmentation."""
        return list(self._batches("train", portion(len(_examples(self, "train")), number, examples=examples), batch))

    def parts(self, examples: int) -> Mapping[str, Iterator[Batch]]:
        """Some examples of either part to evaluate on, read as they are used; all of them where there are fewer."""
        names: tuple[Part, ...] = ("train", "test")
        return {
            name: self._batches(name, portion(len(_examples(self, name)), 0, examples=examples), EVALUATED)
            for name in names
        }

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(self.logits(model, batch), batch[1])

    def logits(self, model: nn.Module, batch: Batch) -> Tensor:
        """Shape ``(n, classes)``."""
        inputs, _ = batch
        output = model(**inputs) if isinstance(inputs, Mapping) else model(inputs)
        return output if isinstance(output, Tensor) else output.logits

    def labels(self, batch: Batch) -> Tensor:
        """Shape ``(n,)``."""
        return batch[1]

    def example(self) -> Any:
        """Two training examples."""
        return self.sample(0, examples=2, batch=2)[0][0]

    def _batches(self, part: Part, indices: Tensor, size: int) -> Iterator[Batch]:
        for piece in indices.split(size):
            inputs, labels = _examples(self, part).batch(piece.tolist())
            yield self._precise(inputs), labels

    def _precise(self, value: Any) -> Any:
        """A model, a tensor or tensors by name, in the precision that models are measured in."""
        if isinstance(value, Mapping):
            return {name: self._precise(entry) for name, entry in value.items()}
        if isinstance(value, Tensor) and not value.is_floating_point():
            return value
        return value.to(torch.float64 if self.double else torch.float32)


@cache
def _examples(task: AbstractBrought, part: Part) -> AbstractExamples:
    """Large data sets are listed once in a process."""
    return task.examples(part)
