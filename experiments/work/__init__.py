"""Many results, each made once, by several processes, whatever is killed on the way."""

from .crew import AbstractCrew, Here, Processes, crew
from .job import AbstractJob, attempt
from .ray_cluster import LOCAL, RayCluster
from .run import failures, forget_failures, run

__all__ = [
    "LOCAL",
    "AbstractCrew",
    "AbstractJob",
    "Here",
    "Processes",
    "RayCluster",
    "attempt",
    "crew",
    "failures",
    "forget_failures",
    "run",
]
