import fcntl
import threading

import pytest

from experiments.report import read_json
from experiments.work import attempt
from tests.experiments.work.work_cases import Square, log


def test_a_job_is_done_once(tmp_path):
    assert attempt(Square(tmp_path, 3))
    assert attempt(Square(tmp_path, 3))
    assert read_json(tmp_path / "3.json")["square"] == 9
    assert log(tmp_path) == [3]


def test_an_error_is_written_down_with_its_place_and_not_tried_again(tmp_path):
    assert attempt(Square(tmp_path, -1))
    assert attempt(Square(tmp_path, -1))
    reason = read_json(tmp_path / "-1.json")["failure"]
    assert reason.startswith("ArithmeticError: a negative number (work_cases.py, line")
    assert log(tmp_path) == [-1]


def test_an_interrupt_is_no_result(tmp_path, monkeypatch):
    monkeypatch.setattr(Square, "document", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        attempt(Square(tmp_path, 3))
    monkeypatch.undo()
    assert attempt(Square(tmp_path, 3))
    assert log(tmp_path) == [3]


def test_what_another_is_at_is_left_to_it_or_waited_for(tmp_path):
    with (tmp_path / ".3.json.claim").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert not attempt(Square(tmp_path, 3))
        waiting = threading.Thread(target=attempt, args=(Square(tmp_path, 3),), kwargs={"wait": True})
        waiting.start()
        assert not (tmp_path / "log").exists()
    waiting.join()  # the other has let go without a result
    assert log(tmp_path) == [3]


def test_nothing_is_left_beside_the_result(tmp_path):
    attempt(Square(tmp_path, 3))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.json", "log"]
