"""Worst-case sharpness beside as many plain gradients, in one process and in turns, step by step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter, process_time
from typing import Any

import torch
from torch import Tensor

from measures import EmpiricalLoss, worst_case_sharpness
from quotient import AbstractGeometry, Adaptive, Quotient
from symmetries import Covector, ModelSymmetry, Params, detect, trainable_parameters

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
"""Seconds of one ascent: before its first gradient, of its gradients (passes), between and after them; and of the plain
gradients that were taken before each."""


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


class Turns(EmpiricalLoss):
    """The loss of a subject, that has a plain gradient of a model of its own taken before every gradient.

    An ascent and plain gradients take turns that way step by step, and what disturbs a machine disturbs both.
    """

    def __init__(self, task: AscentTask) -> None:
        loss = task.loss()
        super().__init__(loss.model, loss.loss_fn, loss.batches, microbatch=loss.microbatch)
        self._plain = task.loss()
        self._marks: list[tuple[Moment, Moment, Moment]] = []

    def value_and_gradient(self, params: Params, *, checked: bool = True) -> tuple[Tensor, Covector]:
        """That of the loss, once a plain one was taken."""
        start = Moment()
        with torch.enable_grad():
            gradients(self._plain, 1)
        turn = Moment()
        found = super().value_and_gradient(params, checked=checked)
        self._marks.append((start, turn, Moment()))
        return found

    def timed(self, ascend: Callable[[], object]) -> Run:
        """Seconds of an ascent, apart from each other."""
        self._marks = []
        start = Moment()
        ascend()
        end = Moment()
        return {
            "before": start.until(self._marks[0][0]),
            "gradients": [a.until(b) for a, b, _ in self._marks],
            "passes": [b.until(c) for _, b, c in self._marks],
            "between": [one[2].until(other[0]) for one, other in pairwise(self._marks)],
            "after": self._marks[-1][2].until(end),
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
    climb = climber(turns, geometry(who, symmetry))
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
    return lambda steps: worst_case_sharpness(loss, params, ball, radius=RADIUS, steps=steps, per_batch=False)


def geometry(name: str, symmetry: ModelSymmetry) -> AbstractGeometry:
    """What a ball is."""
    return Quotient(symmetry) if name == "quotient" else Adaptive()
