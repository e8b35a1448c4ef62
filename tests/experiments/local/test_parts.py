import pytest

from experiments.local.parts import HELD_OUT, TRAIN, part_folder, part_rows


@pytest.mark.parametrize("place", ["", "data"])
def test_tables_in_pieces_are_read_in_the_order_of_their_names(tmp_path, place):
    folder = tmp_path / place
    folder.mkdir(exist_ok=True)
    for number in (1, 0):
        (folder / f"train-0000{number}-of-00002.jsonl").write_text(f'{{"n": {number}}}\n')
    assert [row["n"] for row in part_rows(tmp_path, TRAIN)] == [0, 1]


def test_the_preferred_name_of_a_part_is_read_first(tmp_path):
    (tmp_path / "validation.csv").write_text("n\n1\n")
    assert next(part_rows(tmp_path, HELD_OUT))["n"] == "1"
    (tmp_path / "test.csv").write_text("n\n2\n")
    assert next(part_rows(tmp_path, HELD_OUT))["n"] == "2"


def test_a_part_that_is_absent_is_refused_with_the_names_it_may_have(tmp_path):
    with pytest.raises(ValueError, match="expected a table test or validation or val or dev"):
        part_rows(tmp_path, HELD_OUT)
    with pytest.raises(ValueError, match="expected a folder train in"):
        part_folder(tmp_path, TRAIN)
