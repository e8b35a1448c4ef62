"""What the documents say is so: the README's code runs, and every tag of a docstring has its entry."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PACKAGES = ("symmetries", "quotient", "measures", "experiments")
TAG = re.compile(r"\[([A-Z][A-Za-z]+(?:19|20)\d\d[a-z]?)\]")


def test_readme_code_runs_and_prints_what_the_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        exec(compile(block, "README.md", "exec"), scope)
    printed = capsys.readouterr().out
    assert "471 (20.40% of 2,309 parameters)" in printed
    pairs = [line for line in printed.splitlines() if line.startswith("[")]
    adaptive, geodesic = ([float(number) for number in line.strip("[]").split(",")] for line in pairs)
    # the second point of each pair is drawn from the global generator: its group element depends on torch's version
    assert adaptive[0] == pytest.approx(0.01375, rel=1e-3)
    assert adaptive[1] > 2 * adaptive[0]
    assert geodesic == [pytest.approx(0.01376672, rel=1e-6)] * 2


@pytest.mark.parametrize("path", re.findall(r"tests/[\w/.]+", README))
def test_readme_names_tests_that_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_readme_figure_exists() -> None:
    for path in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / path).exists()


def test_every_tag_is_in_the_references() -> None:
    entries = set(TAG.findall((ROOT / "REFERENCES.md").read_text()))
    used = {
        tag for package in PACKAGES for file in (ROOT / package).rglob("*.py") for tag in TAG.findall(file.read_text())
    }
    assert used
    assert used <= entries, f"missing from REFERENCES.md: {sorted(used - entries)}"
