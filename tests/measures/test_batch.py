from typing import NamedTuple

import pytest
import torch

from measures.batch import microbatches, on_device


class Pair(NamedTuple):
    x: torch.Tensor
    y: torch.Tensor


def test_microbatches_keep_the_structure_and_share_the_weight():
    x, y = torch.arange(10.0).view(5, 2), torch.arange(5)
    batch = {"pair": Pair(x, y), "list": [x, (y,)], "name": "kept"}
    pieces = microbatches(batch, 2)
    assert [share for share, _ in pieces] == pytest.approx([0.4, 0.4, 0.2])
    assert torch.equal(torch.cat([piece["pair"].x for _, piece in pieces]), x)
    assert torch.equal(torch.cat([piece["list"][1][0] for _, piece in pieces]), y)
    assert all(piece["name"] == "kept" for _, piece in pieces)


@pytest.mark.parametrize("batch", [(torch.ones(3), torch.ones(2)), torch.tensor(1.0), "text", []], ids=str)
def test_batch_without_a_common_first_axis_cannot_be_split(batch):
    with pytest.raises(ValueError, match="give smaller batches instead"):
        microbatches(batch, 1)


def test_batch_moves_only_when_it_has_to():
    batch = {"x": torch.ones(2), "n": 3}
    assert on_device(batch, torch.device("cpu")) is batch
    moved = on_device(batch, torch.device("meta"))
    assert (moved["x"].device.type, moved["n"]) == ("meta", 3)
