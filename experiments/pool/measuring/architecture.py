"""The symmetry of an architecture, found once for all models that share it."""

from dataclasses import dataclass, field
from functools import lru_cache

from torch import nn

from symmetries import ModelSymmetry, detect, trainable_parameters

from ..task import AbstractTask


@dataclass(frozen=True)
class Architecture:
    """What two models of one task share when they differ in values alone.

    Args:
        task: what they are trained for.
        modules: the modules with their options, as the model prints them.
        shapes: of the parameters, by name.
        model: one of them.
    """

    task: AbstractTask
    modules: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    model: nn.Module = field(compare=False, repr=False)

    @classmethod
    def of(cls, task: AbstractTask, model: nn.Module) -> "Architecture":
        """That of a model."""
        shapes = tuple((name, tuple(p.shape)) for name, p in trainable_parameters(model).items())
        return cls(task, str(model), shapes, model)

    def symmetry(self) -> ModelSymmetry:
        """What leaves its function unchanged; found once in a process."""
        return _detected(self)


@lru_cache(maxsize=4)
def _detected(architecture: Architecture) -> ModelSymmetry:
    return detect(architecture.model, architecture.task.example())
