"""Worst-case sharpness beside as many plain gradients, in one process and in turns."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time

import torch

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


@dataclass(frozen=True, kw_only=True)
class AscentTask:
    """What is measured in one process.

    Args:
        subject: a name in ``SUBJECTS``.
        batch: examples; 0 for those of the subject.
        microbatch: examples at once; 0 for all.
        steps: of every ascent.
        rounds: in which gradients and ascents take turns.
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


def ascents(task: AscentTask, report: Report) -> None:
    """Report the symmetry, then every round: the seconds of the gradients and of each ascent."""
    torch.set_num_threads(task.threads)
    loss = task.loss()
    symmetry = detect(loss.model, loss.batches[0][0][:2])
    report({"symmetry": symmetry, "parameters": sum(p.numel() for p in loss.model.parameters())})
    calls: dict[str, Callable[[int], object]] = {GRADIENTS: lambda steps: gradients(loss, steps)}
    for name in ASCENTS:
        calls[name] = climber(loss, geometry(name, symmetry))
    for call in calls.values():  # what is slow only once
        call(1)
    for _ in range(task.rounds):
        report({name: seconds(call, task.steps) for name, call in calls.items()})


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


def seconds(call: Callable[[int], object], steps: int) -> dict[str, float]:
    """Of the clock, and of the processor, which a busy machine changes least."""
    clock, processor = perf_counter(), process_time()
    call(steps)
    return {"clock": perf_counter() - clock, "processor": process_time() - processor}
