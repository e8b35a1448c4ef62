"""Who does the work."""

import multiprocessing
import os
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeVar

import torch

from .job import AbstractJob

Answer = TypeVar("Answer")


class AbstractCrew(ABC):
    """Those who do jobs, wherever they are."""

    @abstractmethod
    def each(self, function: Callable[[AbstractJob], Answer], jobs: Sequence[AbstractJob]) -> Iterator[Answer]:
        """``function`` of every job, in the order in which they are finished.

        Args:
            function: that can be pickled, as the jobs can.
            jobs: in the order in which they are begun.
        """


@dataclass(frozen=True)
class Here(AbstractCrew):
    """This process, one job after the other."""

    def each(self, function: Callable[[AbstractJob], Answer], jobs: Sequence[AbstractJob]) -> Iterator[Answer]:
        """See :class:`AbstractCrew`."""
        return map(function, jobs)


@dataclass(frozen=True)
class Processes(AbstractCrew):
    """New processes with one thread each, which end with the one that started them.

    Args:
        workers: how many.

    Raises:
        ValueError: fewer than one.
    """

    workers: int

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"work needs at least one worker, got {self.workers}")

    def each(self, function: Callable[[AbstractJob], Answer], jobs: Sequence[AbstractJob]) -> Iterator[Answer]:
        """See :class:`AbstractCrew`.

        Raises:
            RuntimeError: a worker was killed.
        """
        if not jobs:
            return
        # Spawned and not forked: a fork of a process whose libraries have threads may wait for one that it has not.
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(min(self.workers, len(jobs)), context, initializer=_begin)
        try:
            for future in as_completed([executor.submit(function, job) for job in jobs]):
                yield future.result()
        except BrokenProcessPool as broken:
            raise RuntimeError(
                "a worker was killed, for memory perhaps; what is finished is kept: start again, with fewer workers"
            ) from broken
        finally:
            executor.shutdown(cancel_futures=True)


def crew(workers: int) -> AbstractCrew:
    """This process for one worker, new processes for more."""
    return Here() if workers == 1 else Processes(workers)


def _begin() -> None:
    """What a new process does first: one thread, the usual answer to an interrupt, no life without its parent."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed cannot tell its children to end."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "only called in a process that another has started"
    parent.join()
    os._exit(1)
