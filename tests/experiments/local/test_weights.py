import pytest
import torch
from safetensors.torch import save_file

from experiments.local.weights import read_weights

STATE = {"a": torch.randn(2, 3), "b": torch.arange(4)}


@pytest.mark.parametrize("entry", [None, "last"])
def test_what_torch_saved_is_read_alone_or_as_an_entry(tmp_path, entry):
    torch.save(STATE if entry is None else {"last": STATE, "epoch": 200}, tmp_path / "model.pt")
    found = read_weights(tmp_path / "model.pt", entry)
    assert set(found) == set(STATE)
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


def test_safetensors_are_read(tmp_path):
    save_file(STATE, tmp_path / "model.safetensors")
    assert torch.equal(read_weights(tmp_path / "model.safetensors")["a"], STATE["a"])


@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
def test_a_file_that_is_cut_short_is_refused(tmp_path, ending):
    path = tmp_path / f"model{ending}"
    torch.save(STATE, path) if ending == ".pt" else save_file(STATE, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="is it whole"):
        read_weights(path)


def test_a_file_that_would_execute_something_is_refused(tmp_path):
    torch.save({"model": torch.nn.Linear(2, 2)}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="cannot be read as a checkpoint"):
        read_weights(tmp_path / "model.pt")


def test_what_is_no_state_is_refused_with_what_is_there(tmp_path):
    torch.save({"last": STATE, "epoch": 200}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="expected names and tensors"):
        read_weights(tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"expected an entry 'best' .* got \['last', 'epoch'\]"):
        read_weights(tmp_path / "model.pt", "best")
    with pytest.raises(ValueError, match="which is no file"):
        read_weights(tmp_path / "absent.pt")
