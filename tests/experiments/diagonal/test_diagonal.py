import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import diagonal
from experiments.diagonal.tables import VARIANTS
from experiments.report import read_json

TINY = replace(diagonal.QUICK, networks=4, features=12, samples=6, nonzero=2, steps=15)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("diagonal")
    diagonal.main(replace(TINY, output=path))
    return path


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    return read_json(folder / "diagonal.json")


def test_the_command_writes_all_its_files(folder: Path) -> None:
    names = {"diagonal.json", "diagonal.csv", "choices.csv", "diagonal.md", "diagonal.png"}
    assert {path.name for path in folder.iterdir()} == names


def test_search_and_closed_form_agree(document: dict[str, Any]) -> None:
    """The search is a lower bound; 15 steps on few features bring it close."""
    assert document["agreement"]["mixed"] < 1e-4
    assert document["agreement"]["adaptive"] < 0.05
    assert document["agreement"]["invariant"] < 0.05


def test_the_published_value_stands_beside_every_measure(document: dict[str, Any]) -> None:
    published = {row["measure"]: row["published"] for row in document["measures"]}
    assert published == {"adaptive": -0.68, "invariant": -0.83, "mixed": -0.86}


def test_an_interval_holds_its_value(document: dict[str, Any]) -> None:
    for row in document["measures"] + document["baselines"]:
        assert row["low"] - 1e-12 <= row["tau"] <= row["high"] + 1e-12  # a quantile of ones is one up to rounding


def test_there_is_a_row_for_every_choice(folder: Path) -> None:
    with (folder / "choices.csv").open() as file:
        names = [row["choice"] for row in csv.DictReader(file)]
    assert names == [*list(VARIANTS)[: TINY.choices], "problem 1"]


@pytest.mark.parametrize(
    "options",
    [{"radii": "0.1,-1"}, {"noise": -1.0}, {"smallest": 1.0}, {"gap": "accuracy"}, {"samples": 0}, {"nonzero": 13}],
    ids=lambda options: next(iter(options)),
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"--|entries"):
        replace(TINY, **options).pool()
