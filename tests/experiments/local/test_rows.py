import json

import pyarrow
import pytest
from pyarrow import parquet

from experiments.local.rows import rows

ROWS = [{"name": "a", "error": 0.25}, {"name": "b", "error": 0.5}]

WRITERS = {
    ".csv": lambda path: path.write_text("\ufeffname,error\na,0.25\nb,0.5\n", encoding="utf-8"),
    ".tsv": lambda path: path.write_text("name\terror\na\t0.25\nb\t0.5\n"),
    ".json": lambda path: path.write_text(json.dumps(ROWS)),
    ".jsonl": lambda path: path.write_text("\n".join(map(json.dumps, ROWS)) + "\n\n"),
    ".parquet": lambda path: parquet.write_table(pyarrow.Table.from_pylist(ROWS), path),
}


@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_gives_the_same_rows(tmp_path, ending):
    path = tmp_path / f"table{ending}"
    WRITERS[ending](path)
    assert [{"name": row["name"], "error": float(row["error"])} for row in rows(path)] == ROWS


def test_a_json_document_by_name_gives_a_row_for_each(tmp_path):
    path = tmp_path / "table.json"
    path.write_text('{"a": {"error": 0.25}, "b": {"error": 0.5}}')
    assert list(rows(path)) == ROWS


def test_a_quotation_mark_in_tsv_is_a_character(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text('text\tlabel\n"unbalanced\t1\nnext\t2\n')
    assert [row["text"] for row in rows(path)] == ['"unbalanced', "next"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("t.json", b"{"), ("t.jsonl", b'{"a": 1}\n{"a":'), ("t.csv", b"\xff\xfe"), ("t.parquet", b"PAR1 is not enough")],
)
def test_a_damaged_table_is_refused_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} cannot be read as"):
        list(rows(tmp_path / name))


def test_a_file_that_is_absent_or_of_another_ending_is_refused(tmp_path):
    (tmp_path / "table.xlsx").touch()
    for path in (tmp_path / "absent.csv", tmp_path / "table.xlsx"):
        with pytest.raises(ValueError, match="expected a table that ends in"):
            list(rows(path))
