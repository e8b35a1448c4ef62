"""A computation in a process of its own, that a limit of time ends."""

import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

from tqdm import tqdm

#: Imported once, before children are forked: they start in no time, and hold no threads of their parent.
PRELOADED = ["experiments.benchmarks.curvature.cell"]

#: What the allocator of glibc takes from the kernel it keeps, so that nobody pays for the pages of every large tensor
#: anew, or not, as the heap happens to lie. Read when a process starts.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(2**26),
}

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Outcome:
    """How a computation ended.

    Args:
        reports: what it told before.
        failure: why it did not end well: the last line of the error, or that the time was over; None if it did.
        timed_out: whether the limit ended it.
    """

    reports: tuple[dict[str, Any], ...]
    failure: str | None = None
    timed_out: bool = False


def isolated(function: Callable[..., None], *arguments: Any, limit: float) -> Outcome:
    """Call ``function(*arguments, report)`` in a new process, for at most ``limit`` seconds.

    A fork of a clean process, so that neither memory nor state of the caller is there, and one computation can
    neither disturb nor bring down the next.

    Args:
        function: of a module, with a last argument that takes what it has found, one document after the other.
        arguments: that can be pickled.
        limit: seconds.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    os.environ.update(ALLOCATOR)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, function, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        return _collected(ours, monotonic() + limit, limit)
    finally:
        process.kill()
        process.join()
        ours.close()


def _run(pipe: Connection, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """The child: reports, and then None or the failure."""
    # The lock that bars of progress share between processes would outlive a child that is killed.
    tqdm.set_lock(threading.RLock())
    threading.Thread(target=_end_with_caller, daemon=True).start()
    try:
        function(*arguments, pipe.send)
    except Exception as error:  # noqa: BLE001 (whatever a library raises is its result)
        pipe.send(traceback.format_exception_only(error)[-1].strip().partition("\n")[0].partition(". ")[0])
    else:
        pipe.send(None)


def _end_with_caller() -> None:
    """A caller that is killed cannot end its children, and they would go on beside whatever is timed next."""
    caller = multiprocessing.parent_process()
    if caller is not None:
        caller.join()
        os._exit(1)


def _collected(pipe: Connection, deadline: float, limit: float) -> Outcome:
    reports: list[dict[str, Any]] = []
    while pipe.poll(max(0.0, deadline - monotonic())):
        try:
            message = pipe.recv()
        except EOFError:
            return Outcome(tuple(reports), "the process was killed, for memory perhaps")
        if not isinstance(message, dict):
            return Outcome(tuple(reports), message)
        reports.append(message)
    return Outcome(tuple(reports), f"not within {limit:g} s", timed_out=True)
