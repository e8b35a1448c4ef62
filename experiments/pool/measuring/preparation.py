"""A member of a pool, made ready to be measured."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from measures import on_device
from symmetries import ModelSymmetry, Params, trainable_parameters

from ..frame import Representative
from ..member import Member
from ..task import AbstractTask
from .architecture import Architecture
from .plan import Plan
from .subject import Subject

CONDITION = 30.0
"""Of every block of the element that moves a model: far enough to be seen, with digits left in single precision."""

SAME_FUNCTION = {torch.float64: 1e-6, torch.float32: 1e-3}
"""How far the loss may move, relative to it, where the function should not: rounding, times the condition."""


@dataclass(frozen=True)
class Preparation:
    """Where the subjects of one model come from.

    Args:
        task: that the model was trained for.
        member: the model.
        plan: how much data a sample has.
        device: where it is measured.
    """

    task: AbstractTask
    member: Member
    plan: Plan
    device: str = "cpu"

    def subject(self, sample: int = 0, representative: Representative = "trained") -> Subject:
        """The model at a representative, on a sample.

        Raises:
            ValueError: the moved weights are not of the same function.
        """
        here = Subject(self.task, self.model, self._trained, self.symmetry, sample, self._batches(sample))
        if representative == "trained":
            return here
        there = Subject(self.task, self.model, self._moved, self.symmetry, sample, here.batches)
        with torch.no_grad():
            before, after = (s.loss()(s.params).item() for s in (here, there))
        if abs(after - before) > SAME_FUNCTION[next(self.model.parameters()).dtype] * (1.0 + abs(before)):
            raise ValueError(
                f"{self.member.id}: moved along its orbit, the loss should be {before:.9g} still, got {after:.9g}; "
                "verify the symmetry of the model"
            )
        return there

    @property
    def model(self) -> nn.Module:
        """The trained model."""
        return self._made[0]

    @property
    def symmetry(self) -> ModelSymmetry:
        """That of its architecture."""
        return self._made[1]

    @cached_property
    def _made(self) -> tuple[nn.Module, ModelSymmetry]:
        """The model on the device, and its symmetry, which is found before it goes there."""
        model = self.member.into(self.task.model(self.member.configuration, self.member.seed))
        symmetry = Architecture.of(self.task, model).symmetry()
        return model.to(self.device), symmetry

    @cached_property
    def _trained(self) -> Params:
        return trainable_parameters(self.model)

    @cached_property
    def _moved(self) -> Params:
        """By an element of its own, the same whenever it is asked for."""
        generator = torch.Generator().manual_seed(zlib.crc32(self.member.id.encode()))
        trained = on_device(self._trained, torch.device("cpu"))
        moved: Params = self.symmetry.act(self.symmetry.random(generator, CONDITION), trained)
        return on_device(moved, torch.device(self.device))

    def _batches(self, sample: int) -> list[Any]:
        return self.task.sample(sample, examples=self.plan.examples, batch=self.plan.batch)
