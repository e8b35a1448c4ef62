import pytest

from experiments.console import cell, heading, show


def test_a_table_shows_every_row_in_a_pipe_without_cutting(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"measure": "worst case", "value": 0.123456, "invariant": True}, {"m": "trace", "v": 2.0, "i": False}])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["measure", "value", "invariant"],
        ["worst", "case", "0.12346", "yes"],
        ["trace", "2", "no"],
    ]


def test_a_heading_holds_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    heading("In short")
    assert "In short" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1,234,567"), (1234567.0, "1.2346e+06"), (True, "yes"), ("GL(8)", "GL(8)"), (None, "None")],
)
def test_cells_have_five_digits(value: object, text: str) -> None:
    assert cell(value) == text
