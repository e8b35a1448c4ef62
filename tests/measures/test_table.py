import csv
import json
import math

import pytest

from measures import MeasureTable, Row

TABLE = MeasureTable(
    (Row("loss", "", 1.0, seconds=0.5), Row("Rényi 0.5", "quotient, exact", -2.0, 0.25), Row("zero", "", 0.0))
)


def test_rows_are_found_by_measure_and_geometry():
    assert TABLE["Rényi 0.5", "quotient, exact"].stderr == 0.25
    with pytest.raises(KeyError, match=r"no row \('loss', 'x'\); there are"):
        TABLE["loss", "x"]


def test_ratio_is_one_for_what_is_equal_and_nan_over_zero():
    other = MeasureTable(
        tuple(Row(r.measure, r.geometry, v) for r, v in zip(TABLE.rows, (2.0, -2.0, 0.0), strict=True))
    )
    assert list(TABLE.ratio(other).values()) == [0.5, 1.0, 1.0]
    over_zero = MeasureTable((Row("loss", "", 1.0),)).ratio(MeasureTable((Row("loss", "", 0.0),)))
    assert math.isnan(over_zero["loss", ""])


def test_ratio_needs_the_same_rows():
    with pytest.raises(KeyError, match="no row"):
        TABLE.ratio(MeasureTable(TABLE.rows[:1]))


def test_files_hold_the_rows(tmp_path):
    TABLE.to_csv(tmp_path / "t.csv")
    TABLE.to_json(tmp_path / "t.json")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["geometry"] for row in rows] == ["", "quotient, exact", ""]
    assert (rows[0]["stderr"], float(rows[1]["value"])) == ("", -2.0)
    rows = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert MeasureTable(tuple(Row(**row) for row in rows)) == TABLE


def test_interrupted_write_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    TABLE.to_csv(tmp_path / "t.csv")
    before = (tmp_path / "t.csv").read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        MeasureTable(TABLE.rows[:1]).to_csv(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_number_that_is_not_finite_is_null_in_json(tmp_path):
    MeasureTable((Row("x", "", math.nan),)).to_json(tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text())[0]["value"] is None
