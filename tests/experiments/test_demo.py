import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import demo
from experiments.report import read_json

# The least that runs through every stage.
TINY = replace(demo.QUICK, images=8, steps=2, samples=1, lanczos=3, threads=1)
FILES = {
    "demo.json",
    "symmetries.csv",
    "invariance.csv",
    "training.csv",
    "invariance.png",
    "geodesics.png",
    "density.png",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo")
    demo.main(replace(TINY, output=path))
    return path


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    return read_json(folder / "demo.json")


def test_the_demonstration_writes_all_its_files_and_nothing_else(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES


def test_the_three_runs_evaluate_equally_many_gradients(document: dict[str, Any]) -> None:
    assert [run["optimizer"] for run in document["training"]] == ["AdamW", "SAM", "quotient SAM"]
    assert len({run["gradients"] for run in document["training"]}) == 1
    assert document["training"][0]["epochs"] == 2 * document["training"][1]["epochs"]


def test_geodesic_measures_are_marked_invariant_and_standard_ones_are_not(document: dict[str, Any]) -> None:
    marks = {(row["measure"], row["geometry"]): row["invariant"] for row in document["invariance"]}
    assert marks["worst case", "geodesic"]
    assert marks["worst case", "geodesic mixed"]
    assert not marks["worst case", "standard"]
    assert not marks["parameter norm", ""]


def test_dimensions_of_the_families_add_up(document: dict[str, Any]) -> None:
    symmetry = document["symmetry"]
    exact = [family for family in symmetry["families"] if "approximate" not in family["holds"]]
    assert sum(family["dimension"] for family in exact) == symmetry["dimension"]
    assert 0 < symmetry["dimension"] < symmetry["parameters"]
    assert symmetry["defect"] < 1e-9


def test_the_document_says_how_to_make_it_again(document: dict[str, Any]) -> None:
    assert document["config"]["seed"] == TINY.seed
    assert document["versions"]["torch"]
    assert "commit" in document


def test_tables_hold_what_the_document_holds(folder: Path, document: dict[str, Any]) -> None:
    with (folder / "invariance.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["theta"]) for row in rows] == [row["theta"] for row in document["invariance"]]


def test_the_summary_says_what_moved_where_the_files_are_and_makes_no_claim(document: dict[str, Any]) -> None:
    text = demo.summary(document, Path("results/demo"))
    for expected in ("Invariant (", "Moved, by the factor", "no claim", "results/demo", "quotient SAM", "gradients"):
        assert expected in text


@pytest.mark.slow
def test_a_seed_gives_the_same_document_bit_by_bit(document: dict[str, Any], tmp_path: Path) -> None:
    demo.main(replace(TINY, output=tmp_path))
    again = read_json(tmp_path / "demo.json")
    for run in (document, again):
        del run["seconds"]
        del run["config"]["output"]
    assert again == document
