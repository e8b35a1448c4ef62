import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.report import commit, provenance, read_json, write_csv, write_json
from measures import replacing


def test_an_interrupted_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    write_json(path, {"a": 1})

    def interrupted() -> None:
        with replacing(path) as draft:
            draft.write_text("{")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_documents_come_back_and_missing_numbers_are_null(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "table.json"
    write_json(path, {"value": float("nan"), "rows": [{"x": (1, 2.5)}], "flags": {"b", "a"}, "path": path})
    assert json.loads(path.read_text()) == {
        "value": None,
        "rows": [{"x": [1, 2.5]}],
        "flags": ["a", "b"],
        "path": str(path),
    }


def test_tables_have_the_columns_of_the_first_row(tmp_path: Path) -> None:
    write_csv(tmp_path / "table.csv", [{"name": "a", "value": 0.1}, {"name": "b", "value": 2}])
    assert (tmp_path / "table.csv").read_text().splitlines() == ["name,value", "a,0.1", "b,2"]


@pytest.mark.parametrize("rows", [[], [{"a": 1}, {"b": 2}]])
def test_a_table_without_rows_or_with_strange_ones_is_refused(rows: list[dict[str, int]], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="row|fields"):
        write_csv(tmp_path / "table.csv", rows)
    assert not list(tmp_path.iterdir())


def test_provenance_says_what_is_needed_to_run_again() -> None:
    @dataclass(frozen=True)
    class Config:
        seed: int = 3

    made = provenance(Config())
    assert made["config"] == {"seed": 3}
    assert made["versions"]["torch"]


def test_outside_a_clone_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert commit() is None
