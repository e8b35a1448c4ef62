"""The table of published models: closed forms are met, and the tables say what was found."""

import json
from pathlib import Path

import pytest

from experiments import dimensions
from experiments.models.zoo import SPECIMENS

SIZES = [
    (size, head) for specimen in SPECIMENS.values() for size in specimen.sizes for head, _ in size.dimension.items()
]

#: The bucket of relative positions that no pair of tokens reaches: entries without influence, one for every head.
UNREACHED = {"T5-base": 12}


@pytest.mark.parametrize(("size", "head"), SIZES, ids=[f"{size.name}-{head}" for size, head in SIZES])
def test_closed_forms_are_met_from_shapes_alone(size, head):
    pytest.importorskip("transformers")
    found = dimensions.record(size, head)
    assert found["dimension"] == size.dimension[head] - UNREACHED.get(size.name, 0)
    assert found["unrecognised"] == []
    exact = [family for family in found["families"] if "approximate" not in family["flags"]]
    assert sum(family["dimension"] for family in exact) == found["dimension"]


def test_the_command_writes_tables(tmp_path: Path):
    pytest.importorskip("transformers")
    dimensions.main(dimensions.Config(models="GPT-2", output=tmp_path))
    document = json.loads((tmp_path / "dimensions.json").read_text())
    assert [(model["model"], model["head"]) for model in document["models"]] == [
        ("GPT-2 124M", "raw"),
        ("GPT-2 124M", "softmax"),
    ]
    text = (tmp_path / "dimensions.md").read_text()
    assert "| GPT-2 124M | raw | 124,439,808 | 1,346,584 | 1.08% | 1,346,584 |" in text
    assert "| change of basis |" in text


def test_an_unknown_model_is_refused():
    with pytest.raises(SystemExit, match="nonesuch"):
        dimensions.main(dimensions.Config(models="nonesuch"))
