"""Which measure sees which group: facts of the papers, and the table in the documents."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import invariances
from experiments.report import read_json

TINY = replace(invariances.QUICK, steps=2, samples=2, lanczos=4, examples=12, threads=1)
GROUPS = ["layer scale", "neuron scale", "head basis", "norm gain", "bias shift"]
DOCUMENT = Path(__file__).parents[2] / "docs/measures.md"

#: Beside the loss and all geodesic measures, what no element of a group may move.
BLIND = {
    "layer scale": [
        "Fisher-Rao norm",
        "log Frobenius norms",
        "log spectral norms",
        "relative flatness, writer",
        "relative flatness, reader",
        "path norm",
        "Rényi 0.5, writer alone",
        "Rényi 0.5, reader alone",
    ],
    "neuron scale": ["Fisher-Rao norm", "relative flatness, writer", "path norm"],
    "head basis": ["Fisher-Rao norm", "relative flatness, writer"],
    "norm gain": ["Fisher-Rao norm"],
    "bias shift": ["log Frobenius norms", "log spectral norms"],
}
#: What every group but one moves, unless it is a scale of units, for which the elementwise metric is made.
SEEING = ["parameter norm", "worst case", "gradient norm", "trace", "lambda max", "Fisher trace", "PAC-Bayes flatness"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("invariances")
    invariances.main(replace(TINY, output=path))
    return path


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, dict[tuple[str, str], bool]]:
    groups = read_json(folder / "invariances.json")["groups"]
    return {name: {(r["measure"], r["geometry"]): r["invariant"] for r in rows} for name, rows in groups.items()}


def of(rows: dict[tuple[str, str], bool], geometries: set[str]) -> list[bool]:
    return [invariant for (_, geometry), invariant in rows.items() if geometry in geometries]


def test_on_the_quotient_nothing_moves(found):
    assert list(found) == GROUPS
    assert all(all(of(rows, {"geodesic", "geodesic mixed"})) for rows in found.values())


def test_adaptive_measures_see_neither_layers_nor_neurons_scaled_and_do_see_heads_and_shifts(found):
    for group, blind in zip(GROUPS, (True, True, False, True, False), strict=True):
        assert set(of(found[group], {"adaptive"})) == {blind}


def test_standard_measures_see_every_group(found):
    for rows in found.values():
        assert not any(rows[name, "standard"] for name in SEEING if (name, "standard") in rows)
        assert not rows["parameter norm", ""]


@pytest.mark.parametrize("group", GROUPS)
def test_measures_of_the_literature_are_blind_where_their_papers_say(found, group):
    blind = {name for (name, _), invariant in found[group].items() if invariant}
    assert set(BLIND[group]) <= blind


def test_they_do_see_what_they_are_not_blind_to(found):
    assert not found["bias shift"]["Fisher-Rao norm", ""]
    assert not found["neuron scale"]["relative flatness, reader", ""]
    assert not found["head basis"]["relative flatness, reader", ""]
    assert not found["norm gain"]["relative flatness, writer", ""]
    assert not found["neuron scale"]["log Frobenius norms", ""]
    assert not found["neuron scale"]["Rényi 0.5, writer alone", "standard"]


def test_the_table_in_the_documents_is_that_of_the_command(folder):
    """Factors depend on random group elements; what is equal does not."""

    def pattern(text: str) -> list[str]:
        cells = (line.split("|") for line in text.splitlines() if line.startswith("|"))
        return ["|".join(re.sub(r"\(?-?[\d.e+-]+\)?", "moved", c.strip()) for c in row[3:]) for row in cells]

    table = (folder / "invariances.md").read_text()
    assert pattern(table) == pattern(DOCUMENT.read_text())
