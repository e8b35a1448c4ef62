"""One result of many."""

import fcntl
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..report import write_json


class AbstractJob(ABC):
    """A document on disk, and the work that makes it.

    Jobs are sent to other processes: they hold names and numbers, and build what is large when they run.
    """

    @property
    @abstractmethod
    def result(self) -> Path:
        """The file of the document: the job is done when it is there."""

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """Do the work. Other files are written before this returns; only the document says that they are whole."""

    @abstractmethod
    def failed(self, reason: str) -> dict[str, Any]:
        """The document of work that raised: its entry ``failure`` is the reason."""


def attempt(job: AbstractJob, *, wait: bool = False) -> bool:
    """Do a job that nobody has done and nobody is doing.

    An exception is a result too: it is written down, and not tried again.

    Args:
        job: what to do.
        wait: for a process that is doing it already; if that process dies, the job is done here.

    Returns:
        Whether the result is there: not if another process is at it.
    """
    with _claim(job.result, wait=wait) as mine:
        if mine and not job.result.exists():
            try:
                document = job.document()
            except Exception as error:  # noqa: BLE001 (whatever a library raises is a result)
                document = job.failed(_reason(error))
            write_json(job.result, document)
        return job.result.exists()


@contextmanager
def _claim(result: Path, *, wait: bool) -> Iterator[bool]:
    """Whether this process holds the claim on a result. The kernel takes the claims of a process that dies.

    The file of a claim goes only after its result has come: who still waits for a file that is gone finds the result.
    """
    result.parent.mkdir(parents=True, exist_ok=True)
    path = result.with_name(f".{result.name}.claim")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
        if result.exists():
            path.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """The error in words, and where it was raised."""
    words = traceback.format_exception_only(error)[-1].strip()
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{words} ({Path(place.filename).name}, line {place.lineno})"
