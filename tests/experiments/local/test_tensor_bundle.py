import pytest
import torch

from experiments.local.tensor_bundle import read_bundle
from tests.experiments.local.bundle_writer import write_bundle

TENSORS = {
    "bert/encoder/layer_0/kernel": torch.randn(3, 5),
    "bert/encoder/layer_0/kernel/adam_m": torch.zeros(3, 5),
    "bert/encoder/layer_10/kernel": torch.randn(2, 2, 2),
    "bert/pooler/bias": torch.randn(7, dtype=torch.float64),
    "global_step": torch.tensor(36815),
    "a flag": torch.tensor(True),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("per_block", [1, 3, 100])
def test_a_checkpoint_is_read_as_it_was_written_but_for_what_is_no_number(tmp_path, per_block, compressed):
    write_bundle(tmp_path / "model.ckpt-7", TENSORS, per_block=per_block, compressed=compressed)
    found = read_bundle(tmp_path / "model.ckpt-7.index")
    assert set(found) == set(TENSORS) - {"a flag"}
    for name, tensor in found.items():
        assert tensor.dtype == TENSORS[name].dtype
        assert torch.equal(tensor, TENSORS[name])


def test_what_is_not_wanted_is_left_out(tmp_path):
    write_bundle(tmp_path / "model", TENSORS)
    assert "bert/encoder/layer_0/kernel/adam_m" not in read_bundle(tmp_path / "model.index", leave_out=("/adam_m",))


def test_a_file_that_is_no_index_is_refused(tmp_path):
    (tmp_path / "model.index").write_bytes(b"no table" * 10)
    with pytest.raises(ValueError, match="expected the index of a TensorFlow checkpoint"):
        read_bundle(tmp_path / "model.index")


@pytest.mark.parametrize("cut", [1, 100])
def test_a_data_file_that_is_cut_short_or_absent_is_refused(tmp_path, cut):
    write_bundle(tmp_path / "model", TENSORS)
    data = tmp_path / "model.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-cut])
    with pytest.raises(ValueError, match="are absent; fetch the data files"):
        read_bundle(tmp_path / "model.index")
    data.unlink()
    with pytest.raises(ValueError, match="are absent; fetch the data files"):
        read_bundle(tmp_path / "model.index")


def test_an_index_whose_blocks_are_damaged_is_refused(tmp_path):
    write_bundle(tmp_path / "model", TENSORS)
    index = tmp_path / "model.index"
    content = index.read_bytes()
    index.write_bytes(b"\xff" * 40 + content[40:])
    with pytest.raises(ValueError, match="damaged"):
        read_bundle(index)
