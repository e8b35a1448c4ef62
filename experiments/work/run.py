"""All of many results."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ..report import read_json
from .crew import AbstractCrew
from .job import AbstractJob, attempt


def run(jobs: Sequence[AbstractJob], crew: AbstractCrew, *, label: str, unit: str = "model") -> None:
    """Make the results that are missing; the bar shows how many are there, the rate, and the time left.

    Any number of these may run at once on the same jobs, on one machine or on several that share the folder and its
    locks (``flock``): each result is made by one of them. One that is killed is taken over from by those that run, or
    that are started next.

    Example:
        >>> from dataclasses import dataclass
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from experiments.work import AbstractJob, Here
        >>> @dataclass(frozen=True)
        ... class Root(AbstractJob):
        ...     folder: Path
        ...     number: float
        ...
        ...     @property
        ...     def result(self):
        ...         return self.folder / f"{self.number}.json"
        ...
        ...     def document(self):
        ...         if self.number < 0:
        ...             raise ValueError("no root")
        ...         return {"root": self.number**0.5}
        ...
        ...     def failed(self, reason):
        ...         return {"failure": reason}
        >>> with TemporaryDirectory() as folder:
        ...     jobs = [Root(Path(folder), number) for number in (4.0, -1.0)]
        ...     run(jobs, Here(), label="roots")
        ...     print(jobs[0].result.read_text(), [reason[:19] for reason in failures(jobs).values()])
        {
         "root": 2.0
        }
         ['ValueError: no root']

    Args:
        jobs: with a result each.
        crew: who does them.
        label: of the bar.
        unit: what a result is called there.
    """
    with tqdm(total=len(jobs), initial=len(jobs) - len(_missing(jobs)), desc=label, unit=unit) as progress:
        # First what nobody is at, then what others were at when we came by.
        for wait in (False, True):
            for there in crew.each(partial(attempt, wait=wait), _missing(jobs)):
                progress.update(there)


def failures(jobs: Sequence[AbstractJob]) -> dict[Path, str]:
    """The results of jobs that raised, and why they did."""
    found = {job.result: read_json(job.result).get("failure") for job in jobs if job.result.exists()}
    return {result: reason for result, reason in found.items() if reason is not None}


def forget_failures(jobs: Sequence[AbstractJob]) -> None:
    """Let jobs that raised be tried again."""
    for result in failures(jobs):
        result.unlink()


def _missing(jobs: Sequence[AbstractJob]) -> list[AbstractJob]:
    return [job for job in jobs if not job.result.exists()]
