"""A model at one of its representatives, on one sample of data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from measures import EmpiricalLoss, normalized_logits
from quotient import AbstractGeometry
from symmetries import ModelSymmetry, Params

from ..task import AbstractTask
from .geometries import GEOMETRIES

#: What is done to the logits before the loss: nothing, or :func:`measures.normalized_logits`.
Logits = Literal["raw", "normalized"]


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Args:
        task: that the model was trained for.
        model: in evaluation mode.
        params: the representative.
        symmetry: of the model.
        sample: number of the data sample; all random draws come from it too, so that models share them.
        batches: of that sample.
    """

    task: AbstractTask
    model: nn.Module
    params: Params
    symmetry: ModelSymmetry
    sample: int
    batches: list[Any]

    @cached_property
    def _losses(self) -> dict[Logits, EmpiricalLoss]:
        functions: dict[Logits, Callable[[Any, Any], Tensor]] = {
            "raw": self.task.loss,
            "normalized": self._normalized,
        }
        return {logits: EmpiricalLoss(self.model, function, self.batches) for logits, function in functions.items()}

    def loss(self, logits: Logits = "raw") -> EmpiricalLoss:
        """The loss of the task on the sample."""
        return self._losses[logits]

    def _normalized(self, model: nn.Module, batch: Any) -> Tensor:
        logits, labels = normalized_logits(self.task.logits(model, batch)), self.task.labels(batch)
        return F.cross_entropy(logits.flatten(0, -2), labels.flatten())

    def geometry(self, name: str) -> AbstractGeometry:
        """A geometry of :data:`GEOMETRIES`, modulo the symmetry of the model."""
        return GEOMETRIES[name](self.symmetry)

    def generator(self) -> torch.Generator:
        """Where the draws of one measure come from: the same for all models, and independent of other measures."""
        return torch.Generator().manual_seed(self.sample)
