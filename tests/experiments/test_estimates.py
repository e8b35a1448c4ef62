"""What stated errors are worth, on small spectra; the document holds what the script finds."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from experiments import estimates
from experiments.report import read_json

METHODS = len(get_args(estimates.Method))
DOCUMENT = Path(__file__).parents[2] / "docs/estimates.md"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = tmp_path_factory.mktemp("estimates")
    estimates.main(replace(estimates.QUICK, size=120, threads=1, output=path))
    assert (path / "estimates.md").read_text(encoding="utf-8").startswith("# What stated errors are worth")
    return read_json(path / "estimates.json")


def test_every_order_and_every_method_has_a_row(document):
    assert [float(row["order"]) for row in document["entropies"]] == list(estimates.ORDERS)
    assert len(document["traces"]) == 3 * METHODS


def test_signed_denominator_is_wrong_near_one(document):
    row = next(row for row in document["entropies"] if row["order"] == "1.1")
    assert abs(float(row["signed"]) - float(row["truth"])) > 0.5
    assert abs(float(row["here"]) - float(row["truth"])) < 0.2


def test_document_says_that_the_errors_hold():
    lines = [line.split("|") for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    shares = [float(cells[-2]) for cells in lines if cells[-2].strip() != "within"]
    assert len(shares) == len(estimates.ORDERS) + 3 * METHODS
    assert min(shares) >= 0.85  # 95 %, less two standard deviations of 20 repeats
