"""Work on a cluster."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..models.zoo import library
from .crew import AbstractCrew, Answer
from .job import AbstractJob

LOCAL = "local"
"""The address of a cluster of this machine alone, begun for the work and ended with it."""


@dataclass(frozen=True)
class RayCluster(AbstractCrew):
    """The nodes of a Ray cluster, a core for each job.

    All nodes have this package, and see the folder of the results under the same path. A job whose node is lost is
    begun again on another.

    Args:
        address: of the cluster, such as ``"10.0.0.1:6379"``; ``"auto"`` for one that this machine is a node of, or
            :data:`LOCAL`.
        workers: how many jobs at once.

    Raises:
        ValueError: fewer than one worker.
    """

    address: str
    workers: int

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"work needs at least one worker, got {self.workers}")

    def each(self, function: Callable[[AbstractJob], Answer], jobs: Sequence[AbstractJob]) -> Iterator[Answer]:
        """See :class:`AbstractCrew`.

        Raises:
            ImportError: Ray is not installed.
            ConnectionError: there is no cluster at the address.
        """
        if not jobs:
            return
        ray = library("ray")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # work tells nobody of itself
        options = {"num_cpus": self.workers, "include_dashboard": False} if self.address == LOCAL else {}
        with ray.init(self.address, log_to_driver=False, logging_level="error", **options):
            task = ray.remote(num_cpus=1)(_in_one_thread)
            waiting = list(reversed(jobs))
            running: list[Any] = []
            while waiting or running:
                while waiting and len(running) < self.workers:
                    running.append(task.remote(function, waiting.pop()))
                done, running = ray.wait(running)
                yield from ray.get(done)


def _in_one_thread(function: Callable[[AbstractJob], Answer], job: AbstractJob) -> Answer:
    torch.set_num_threads(1)
    return function(job)
