import io

import numpy as np
import pyarrow
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from experiments.local.examples import Pictures, Pixels, Sentences
from experiments.local.pictures import Preparation


def coloured(shade: int) -> Image.Image:
    """One shade of grey."""
    return Image.fromarray(np.full((4, 4, 3), shade, dtype=np.uint8))


def test_pictures_are_read_from_tables_as_from_folders(tmp_path):
    rows = []
    for label, shade in enumerate((0, 51, 255)):
        for folder in ("files", "tables"):
            (tmp_path / folder / "train" / str(label)).mkdir(parents=True)
        coloured(shade).save(tmp_path / "files" / "train" / str(label) / "a.png")
        content = io.BytesIO()
        coloured(shade).save(content, format="png")
        rows.append({"image": {"bytes": content.getvalue(), "path": None}, "label": label})
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "tables" / "train-00000-of-00001.parquet")
    batches = [
        Pictures.of(tmp_path / folder, ("train",), Preparation(2)).batch([2, 1]) for folder in ("files", "tables")
    ]
    for images, labels in batches:
        assert images.shape == (2, 3, 2, 2)
        assert images[:, 0, 0, 0].tolist() == pytest.approx([1.0, 0.2])
        assert labels.tolist() == [2, 1]


def test_pixels_are_standardised_channel_by_channel():
    pixels = torch.full((2, 3, 4, 4), 255, dtype=torch.uint8)
    prepare = Preparation(4, mean=(0.0, 0.5, 1.0), std=(1.0, 0.5, 0.1))
    images, labels = Pixels(pixels, torch.tensor([7, 8]), prepare).batch([1])
    assert images[0, :, 0, 0].tolist() == pytest.approx([1.0, 1.0, 0.0])
    assert labels.tolist() == [8]


def test_sentences_go_to_the_tokenizer_column_by_column():
    calls = []

    def tokenizer(*columns, **options):
        calls.append((columns, options["max_length"]))
        return {"input_ids": torch.zeros(2, 3)}

    texts = [("a", "b"), ("c", "d"), ("e", "f")]
    inputs, labels = Sentences(texts, [0, 1, 2], tokenizer, 9).batch([2, 0])
    assert calls == [((["e", "a"], ["f", "b"]), 9)]
    assert list(inputs) == ["input_ids"]
    assert labels.tolist() == [2, 0]
