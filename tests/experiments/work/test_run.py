import os
import signal
import subprocess
import sys
import time

from experiments.report import read_json
from experiments.work import Here, failures, forget_failures, run
from tests.experiments.work.work_cases import Square, log

NUMBERS = range(8)
#: Slow enough to be killed half-way, after the two seconds or so that new processes take to start.
SECONDS = 0.5

PROGRAM = """
import sys
from pathlib import Path
from experiments.work import Processes, run
from tests.experiments.work.work_cases import Square
if __name__ == "__main__":
    run([Square(Path(sys.argv[1]), n, {seconds}) for n in range({count})], Processes(2), label="squares")
"""


def test_what_is_there_is_not_made_again(tmp_path):
    run([Square(tmp_path, n) for n in (1, 2)], Here(), label="squares")
    run([Square(tmp_path, n) for n in (1, 2, 3)], Here(), label="squares")
    assert log(tmp_path) == [1, 2, 3]


def test_failures_are_told_and_tried_again_on_request_only(tmp_path):
    jobs = [Square(tmp_path, n) for n in (2, -1)]
    run(jobs, Here(), label="squares")
    run(jobs, Here(), label="squares")
    assert list(failures(jobs)) == [tmp_path / "-1.json"]
    assert log(tmp_path) == [-1, 2]
    forget_failures(jobs)
    assert not failures(jobs)
    run(jobs, Here(), label="squares")
    assert log(tmp_path) == [-1, -1, 2]


def test_the_bar_tells_what_is_done_the_rate_and_the_time_left(tmp_path, capsys):
    run([Square(tmp_path, n) for n in (1, 2)], Here(), label="squares")
    told = capsys.readouterr().err
    assert "squares: 100%" in told
    assert "2/2 [" in told
    assert "model/s]" in told


def test_a_run_that_is_killed_leaves_no_process_and_the_next_does_what_was_missing(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(seconds=SECONDS, count=len(NUMBERS)))
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    command = [sys.executable, str(script), str(tmp_path)]
    killed = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while len(list(tmp_path.glob("*.json"))) < 3:
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    time.sleep(2 * SECONDS)
    finished = {path.name: path.read_text() for path in tmp_path.glob("*.json")}
    time.sleep(2 * SECONDS)
    assert {path.name for path in tmp_path.glob("*.json")} == set(finished)  # nobody goes on

    jobs = [Square(tmp_path, n) for n in NUMBERS]
    run(jobs, Here(), label="squares")
    assert [read_json(job.result)["square"] for job in jobs] == [n**2 for n in NUMBERS]
    assert all((tmp_path / name).read_text() == text for name, text in finished.items())
    begun = log(tmp_path)
    # At most what the two workers were at when they were killed was begun twice.
    assert set(begun) == set(NUMBERS)
    assert len(begun) <= len(NUMBERS) + 2
    assert all(begun.count(int(name.removesuffix(".json"))) == 1 for name in finished)
