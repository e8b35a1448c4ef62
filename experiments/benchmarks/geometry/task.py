"""What is measured in one process, and on which balls."""

from dataclasses import dataclass

from measures import EmpiricalLoss
from quotient import AbstractGeometry, Adaptive, Quotient
from symmetries import ModelSymmetry, detect

from ..isolation import Report
from .subject import SUBJECTS

#: Small, as balls of sharpness are; it decides how many terms the series of geodesics take.
RADIUS = 0.1

GEOMETRIES = ("adaptive", "quotient")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is measured in one process.

    Args:
        subject: a name in ``SUBJECTS``.
        batch: examples.
        microbatch: examples at once; 0 for all.
        steps: of every ascent, and draws of every average.
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
        return SUBJECTS[self.subject].loss(self.batch, self.seed, microbatch=self.microbatch or None)


def about(task: Task, report: Report) -> None:
    """Report the symmetry of the subject, and its size."""
    loss = task.loss()
    symmetry = detect(loss.model, loss.batches[0][0][:2])
    report({"symmetry": symmetry, "parameters": sum(p.numel() for p in loss.model.parameters())})


def geometry(name: str, symmetry: ModelSymmetry) -> AbstractGeometry:
    """What a ball is."""
    return Quotient(symmetry) if name == "quotient" else Adaptive()
