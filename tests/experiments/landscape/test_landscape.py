from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import landscape
from experiments.report import read_json

TINY = replace(landscape.QUICK, images=8, points=3, models=2, shooting=2, threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("landscape")
    landscape.main(replace(TINY, output=path))
    return path


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    return read_json(folder / "landscape.json")


def test_the_command_writes_all_its_files(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"landscape.json", "landscape.csv", "landscape.png", "parts"}


def test_geodesic_sections_stay_and_raw_ones_change(document: dict[str, Any]) -> None:
    changes = {row["section"]: row["change"] for row in document["sections"]}
    assert changes["geodesics"] < landscape.BOUND
    assert changes["geodesics between models"] < landscape.BOUND
    assert changes["filter-normalised"] > 0.05
    assert changes["straight lines between models"] > 0.05


def test_the_table_has_a_row_for_every_point(folder: Path, document: dict[str, Any]) -> None:
    lines = (folder / "landscape.csv").read_text().splitlines()
    assert len(lines) == 1 + len(document["sections"]) * 2 * TINY.points**2


def test_a_second_run_goes_on_from_what_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "landscape.csv").read_text()
    pictures = sorted((folder / "parts").glob("*/*.json"))
    assert len(pictures) == 8
    pictures[0].unlink()
    monkeypatch.setattr(landscape, "fitted", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(landscape, "draw", lambda *_: None)
    landscape.main(replace(TINY, output=folder))
    assert (folder / "landscape.csv").read_text() == before


def test_checkpoints_take_the_place_of_training(
    folder: Path, document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted((folder / "parts").glob("*/*.safetensors"))
    monkeypatch.setattr(landscape, "fitted", lambda *_, **__: pytest.fail("trained"))
    monkeypatch.setattr(landscape, "draw", lambda *_: None)
    landscape.main(replace(TINY, output=tmp_path, checkpoints=str(files[0])))
    found = read_json(tmp_path / "landscape.json")["sections"]
    assert [row["section"] for row in found] == ["geodesics", "filter-normalised"]
    assert found[0]["theta"]["values"] == document["sections"][0]["theta"]["values"]


@pytest.mark.parametrize(
    "options",
    [{"models": 4}, {"directions": "up"}, {"points": 1}, {"extent": 0.0}],
    ids=lambda options: next(iter(options)),
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"--{next(iter(options))}"):
        replace(TINY, **options)
