import pytest
import torch

from experiments.models import Decoder, DecoderConfig
from experiments.source_text import VOCABULARY, batches, fingerprint, next_token, part_of, standard_library, windows


def test_a_fingerprint_is_the_same_on_every_machine():
    assert fingerprint("abc") == 0xBA7816BF  # the first bytes of the digest that FIPS 180-2 prints for it


def test_parts_are_disjoint_and_nearly_in_the_ratio_of_eight_to_one_to_one():
    sizes = {part: len(standard_library(part)) for part in ("train", "validation", "test")}
    total = sum(sizes.values())
    assert total > 5_000_000
    assert 0.6 < sizes["train"] / total < 0.95
    parts = [part_of(f"module_{i}.py") for i in range(2000)]
    assert parts.count("train") / 2000 == pytest.approx(0.8, abs=0.03)


def test_a_folder_of_ones_own(tmp_path):
    names = [f"m{i}.py" for i in range(40)]
    for name in names:
        (tmp_path / name).write_text(name)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "t.py").write_text("left out")
    text = bytes(standard_library("train", tmp_path).tolist()).decode()
    assert text.split("\n") == sorted(name for name in names if part_of(name) == "train")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="no Python sources"):
        standard_library("train", empty)
    with pytest.raises(ValueError, match="part must be one of"):
        standard_library("dev")  # type: ignore[arg-type]


def test_windows_are_stretches_of_the_text(generator):
    tokens = torch.arange(100, dtype=torch.uint8)
    found = windows(tokens, 1000, 7, generator)
    assert found.shape == (1000, 8)
    assert bool((found.diff(dim=1) == 1).all())
    assert found.min() == 0
    assert found.max() == 99
    torch.testing.assert_close(next(batches(tokens, 1000, 7, torch.Generator().manual_seed(0))), found)
    with pytest.raises(ValueError, match="the text has 100"):
        windows(tokens, 1, 100)


def test_a_model_that_knows_nothing_loses_the_logarithm_of_the_vocabulary(generator):
    model = Decoder(DecoderConfig(vocabulary=VOCABULARY, depth=1), generator)
    with torch.no_grad():
        model.lm_head.weight.zero_()
    batch = windows(standard_library("validation"), 2, 16, generator)
    assert next_token(model, batch).item() == pytest.approx(5.545177, rel=1e-6)
