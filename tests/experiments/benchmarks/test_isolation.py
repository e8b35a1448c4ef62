import multiprocessing
import os
import time
from pathlib import Path

import pytest

from experiments.benchmarks.isolation import isolated


def counted(count, report):
    for i in range(count):
        report({"i": i})


def failing(report):
    report({"i": 0})
    raise RuntimeError("not today. A second sentence")


def sleeping(report):
    report({"i": 0})
    time.sleep(60)


def dying(report):
    os._exit(1)


def telling(path, report):
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


def calling(path):
    isolated(telling, path, limit=60)


def test_reports_come_back_in_order():
    outcome = isolated(counted, 3, limit=60)
    assert (outcome.reports, outcome.failure, outcome.timed_out) == (({"i": 0}, {"i": 1}, {"i": 2}), None, False)


@pytest.mark.parametrize(
    ("function", "failure", "kept"), [(failing, "RuntimeError: not today", 1), (dying, "killed", 0)]
)
def test_what_was_reported_before_a_failure_is_kept(function, failure, kept):
    outcome = isolated(function, limit=60)
    assert failure in outcome.failure
    assert "second sentence" not in outcome.failure
    assert (len(outcome.reports), outcome.timed_out) == (kept, False)


def test_a_limit_of_time_ends_a_computation():
    outcome = isolated(sleeping, limit=1)
    assert (outcome.failure, outcome.timed_out) == ("not within 1 s", True)


def test_a_computation_does_not_outlive_a_caller_that_is_killed(tmp_path):
    path = tmp_path / "pid"
    caller = multiprocessing.get_context("spawn").Process(target=calling, args=(str(path),))
    caller.start()
    assert soon(lambda: path.exists() and path.read_text())
    caller.kill()
    assert soon(lambda: not Path(f"/proc/{path.read_text()}/fd").exists())


def soon(condition):
    end = time.monotonic() + 60
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return met
