"""The table of published models: closed forms are met, and the tables say what was found."""

import json
from pathlib import Path

import pytest

from experiments import dimensions
from experiments.models.zoo import SPECIMENS

#: One of a kind by default: an encoder, one of images, one with a decoder, convolutions, grouped heads under RoPE. The
#: command's own test has GPT-2.
QUICK = ("BERT-base-raw", "ViT-B/16-raw", "T5-base-raw", "resnet18-raw", "Llama-3.2-1B-raw")
SIZES = {
    f"{size.name}-{head}": (size, head)
    for specimen in SPECIMENS.values()
    for size in specimen.sizes
    for head in size.dimension
}

#: The bucket of relative positions that no pair of tokens reaches: entries without influence, one for every head.
UNREACHED = {"T5-base": 12}


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in SIZES])
def test_closed_forms_are_met_from_shapes_alone(name):
    pytest.importorskip("transformers")
    size, head = SIZES[name]
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
