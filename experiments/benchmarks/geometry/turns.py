"""What a measure evaluates, and the same done plainly: in turns, and timed apart from what lies between."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter, process_time
from typing import Any, TypeVar

from measures import EmpiricalLoss

from .task import Task

Found = TypeVar("Found")

Run = dict[str, Any]
"""Seconds of one measure: before the first of its evaluations, of them (passes), between and after them; and of the
plain evaluations that were made before each."""


@dataclass(frozen=True)
class Moment:
    """What clocks say: the one on the wall, and that of the processor, which a busy machine changes least."""

    clock: float = field(default_factory=perf_counter)
    processor: float = field(default_factory=process_time)

    def until(self, later: "Moment") -> dict[str, float]:
        """The seconds between."""
        return {"clock": later.clock - self.clock, "processor": later.processor - self.processor}


class Turns:
    """A measure and plain evaluations take turns, one by one, so that what disturbs a machine disturbs both."""

    def __init__(self) -> None:
        self._marks: list[tuple[Moment, Moment, Moment]] = []

    def taken(self, plain: Callable[[], object], own: Callable[[], Found]) -> Found:
        """What the evaluation of the measure finds, once a plain one was made."""
        start = Moment()
        plain()
        turn = Moment()
        found = own()
        self._marks.append((start, turn, Moment()))
        return found

    def timed(self, measure: Callable[[], object]) -> Run:
        """Seconds of a measure that takes such turns, apart from each other."""
        self._marks = []
        start = Moment()
        measure()
        end = Moment()
        return {
            "before": start.until(self._marks[0][0]),
            "plain": [a.until(b) for a, b, _ in self._marks],
            "passes": [b.until(c) for _, b, c in self._marks],
            "between": [one[2].until(other[0]) for one, other in pairwise(self._marks)],
            "after": self._marks[-1][2].until(end),
        }


class LossInTurns(EmpiricalLoss):
    """The loss of a task, beside one of a model of its own for plain evaluations."""

    def __init__(self, task: Task, turns: Turns) -> None:
        loss = task.loss()
        super().__init__(loss.model, loss.loss_fn, loss.batches, microbatch=loss.microbatch)
        self.plain, self.turns = task.loss(), turns
