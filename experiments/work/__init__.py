"""Many results, each made once, by several processes, whatever is killed on the way."""

from .crew import AbstractCrew, Here, Processes, crew
from .job import AbstractJob, attempt
from .run import failures, forget_failures, run

__all__ = [
    "AbstractCrew",
    "AbstractJob",
    "Here",
    "Processes",
    "attempt",
    "crew",
    "failures",
    "forget_failures",
    "run",
]
