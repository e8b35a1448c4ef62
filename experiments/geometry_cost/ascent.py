"""Worst-case sharpness beside as many plain gradients, in one process and in turns, step by step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

import torch
from torch import Tensor, nn

from measures import EmpiricalLoss, worst_case_sharpness
from quotient import AbstractGeometry, Adaptive, Quotient
from symmetries import ModelSymmetry, detect, trainable_parameters

from ..benchmark.isolation import Report
from ..benchmark.peak import added_memory
from .subject import SUBJECTS

#: Small, as balls of sharpness are; it decides how many terms the series of geodesics take.
RADIUS = 0.1

GRADIENTS = "gradients"
ASCENTS = ("adaptive", "quotient")
#: After as many steps an ascent holds all that it ever holds.
MEMORY_STEPS = 4


Run = dict[str, Any]
"""Seconds of one ascent: before it begins, of its steps and of gradients between them, of its last value."""


@dataclass(frozen=True, kw_only=True)
class AscentTask:
    """What is measured in one process.

    Args:
        subject: a name in ``SUBJECTS``.
        batch: examples; 0 for those of the subject.
        microbatch: examples at once; 0 for all.
        steps: of every ascent.
        rounds: ascents by each contestant.
        threads: of the CPU.
        seed: of weights and data.
    """

    subject: str
    batch: int
    microbatch: int
    steps: int
    rounds: int
    threads: int
    seed: int

    def loss(self) -> EmpiricalLoss:
        """The loss of the subject on its batch."""
        subject = SUBJECTS[self.subject]
        return subject.loss(self.batch or subject.batch, self.seed, microbatch=self.microbatch or None)


@dataclass(frozen=True)
class Moment:
    """What clocks say: the one on the wall, and that of the processor, which a busy machine changes least."""

    clock: float = field(default_factory=perf_counter)
    processor: float = field(default_factory=process_time)

    def until(self, later: "Moment") -> dict[str, float]:
        """The seconds between."""
        return {"clock": later.clock - self.clock, "processor": later.processor - self.processor}


class Turns:
    """The loss of a subject, with a plain gradient of a model of its own before every evaluation.

    An ascent and plain gradients take turns that way step by step, and what disturbs a machine disturbs both.
    """

    def __init__(self, task: AscentTask) -> None:
        self._plain, loss = task.loss(), task.loss()
        self.loss = EmpiricalLoss(loss.model, self._evaluate, loss.batches, microbatch=loss.microbatch)
        self._pieces = len(self.loss.terms)
        self._calls = 0
        self._marks: list[tuple[Moment, Moment]] = []

    def _evaluate(self, model: nn.Module, batch: Any) -> Tensor:
        if self._calls % self._pieces == 0:
            start = Moment()
            with torch.enable_grad():
                gradients(self._plain, 1)
            self._marks.append((start, Moment()))
        self._calls += 1
        return self._plain.loss_fn(model, batch)

    def timed(self, ascend: Callable[[], object]) -> Run:
        """Seconds of an ascent up to its first evaluation, of every step, and of the value at its end."""
        self._calls, self._marks = 0, []
        start = Moment()
        ascend()
        end = Moment()
        starts, ends = zip(*self._marks, strict=True)
        return {
            "before": start.until(starts[0]),
            "steps": [a.until(b) for a, b in zip(ends, starts[1:], strict=False)],
            "gradients": [a.until(b) for a, b in self._marks[:-1]],
            "value": ends[-1].until(end),
        }


def about(task: AscentTask, report: Report) -> None:
    """Report the symmetry of the subject, and its size."""
    loss = task.loss()
    symmetry = detect(loss.model, loss.batches[0][0][:2])
    report({"symmetry": symmetry, "parameters": sum(p.numel() for p in loss.model.parameters())})


def ascents(task: AscentTask, who: str, symmetry: ModelSymmetry, report: Report) -> None:
    """Report every round: the seconds of an ascent and of plain gradients, step by step."""
    torch.set_num_threads(task.threads)
    turns = Turns(task)
    climb = climber(turns.loss, geometry(who, symmetry))
    climb(1)  # what is slow only once
    for _ in range(task.rounds):
        report(turns.timed(lambda: climb(task.steps)))


def memory(task: AscentTask, who: str, symmetry: ModelSymmetry, report: Report) -> None:
    """Report the bytes by which a gradient, or an ascent, raises the peak of a fresh process."""
    torch.set_num_threads(task.threads)
    loss = task.loss()
    call = climber(loss, geometry(who, symmetry)) if who in ASCENTS else lambda _: gradients(loss, 1)
    report({"bytes": added_memory(lambda: call(MEMORY_STEPS))})


def gradients(loss: EmpiricalLoss, count: int) -> None:
    """Gradients as anybody would take them."""
    (batch,), size = loss.batches, loss.microbatch
    pieces = list(zip(*(part.split(size or len(part)) for part in batch), strict=True))
    for _ in range(count):
        loss.model.zero_grad()
        for piece in pieces:
            (loss.loss_fn(loss.model, piece) * (len(piece[0]) / len(batch[0]))).backward()
    loss.model.zero_grad()


def climber(loss: EmpiricalLoss, ball: AbstractGeometry) -> Callable[[int], object]:
    """The ascent of so many steps."""
    params = trainable_parameters(loss.model)
    return lambda steps: worst_case_sharpness(loss, params, ball, radius=RADIUS, steps=steps)


def geometry(name: str, symmetry: ModelSymmetry) -> AbstractGeometry:
    """What a ball is."""
    return Quotient(symmetry) if name == "quotient" else Adaptive()
