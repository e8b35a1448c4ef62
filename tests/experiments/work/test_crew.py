import os

import pytest

from experiments.report import read_json
from experiments.work import Here, Processes, attempt, crew
from tests.experiments.work.work_cases import Fatal, Square


def test_one_worker_is_this_process_and_more_are_new_ones(tmp_path):
    assert crew(1) == Here()
    assert crew(3) == Processes(3)


def test_new_processes_have_one_thread(tmp_path):
    assert list(Processes(2).each(attempt, [Square(tmp_path, 3)])) == [True]
    document = read_json(tmp_path / "3.json")
    assert document["threads"] == 1
    assert document["process"] != os.getpid()


def test_a_worker_that_is_killed_is_told_of_and_leaves_no_result(tmp_path):
    with pytest.raises(RuntimeError, match="a worker was killed, .* start again, with fewer workers"):
        list(Processes(2).each(attempt, [Fatal(tmp_path, 3)]))
    assert not (tmp_path / "3.json").exists()
    assert attempt(Square(tmp_path, 3))  # its claim is gone with it


def test_without_jobs_no_process_is_started():
    assert list(Processes(2).each(attempt, [])) == []


def test_work_needs_a_worker():
    with pytest.raises(ValueError, match="at least one worker, got 0"):
        crew(0)
