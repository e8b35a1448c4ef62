from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import orbit
from experiments.report import read_json

TINY = replace(orbit.QUICK, images=8, steps=2, samples=1, lanczos=3, points=2, threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("orbit")
    orbit.main(replace(TINY, output=path))
    return path


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    return read_json(folder / "orbit.json")


def test_the_walk_writes_all_its_files_and_nothing_else(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"orbit.json", "orbit.csv", "orbit.png"}


def test_sizes_run_from_the_smallest_to_the_largest(document: dict[str, Any]) -> None:
    assert document["sizes"] == pytest.approx([1e-2, 1e2])


def test_the_function_stays_while_standard_sharpness_does_not(document: dict[str, Any]) -> None:
    assert max(document["defects"]) < 1e-9
    curves = {(curve["measure"], curve["geometry"]): curve for curve in document["curves"]}
    assert curves["worst case", "geodesic"]["invariant"]
    assert curves["lambda max", "geodesic mixed"]["invariant"]
    assert max(curves["lambda max", "standard"]["ratios"]) > 10.0


def test_the_table_has_a_row_for_each_measure_and_size(folder: Path, document: dict[str, Any]) -> None:
    lines = (folder / "orbit.csv").read_text().splitlines()
    assert len(lines) == 1 + len(document["curves"]) * len(document["sizes"])


def test_the_figure_of_the_readme_is_written_when_asked(
    document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    orbit.draw(document, TINY)
    assert not Path("docs").exists()
    orbit.draw(document, replace(TINY, readme=True))
    assert Path("docs/orbit.png").exists()


def test_the_summary_says_what_moved(document: dict[str, Any]) -> None:
    text = orbit.summary(document)
    assert "At 2 points of one orbit" in text
    assert "trace (standard)" in text
