from pathlib import Path

from experiments.section import inserted, write_section

BEGIN, END = "<!-- begin table -->", "<!-- end table -->"


def test_the_section_is_replaced_and_the_rest_of_the_document_stays() -> None:
    once = inserted("first\n", "# Words\n\nMore.\n", name="table", title="Unused")
    assert once == f"# Words\n\nMore.\n\n{BEGIN}\nfirst\n{END}\n"
    twice = inserted("second\n", once + "\nAnd more.\n", name="table", title="Unused")
    assert twice == f"# Words\n\nMore.\n\n{BEGIN}\nsecond\n{END}\n\nAnd more.\n"


def test_sections_of_other_names_stay() -> None:
    other = inserted("other\n", "", name="other", title="Results")
    both = inserted("mine\n", other, name="table", title="Unused")
    assert both.startswith(other.rstrip())
    assert both.endswith(f"{BEGIN}\nmine\n{END}\n")


def test_a_document_that_does_not_exist_starts_with_its_title(tmp_path: Path) -> None:
    write_section(tmp_path / "new.md", "first\n", name="table", title="Results")
    assert (tmp_path / "new.md").read_text() == f"# Results\n\n{BEGIN}\nfirst\n{END}\n"
