import pytest
import torch

from experiments.models.zoo import library
from experiments.pool.brought import Timm
from tests.experiments.pool.brought.stand_ins import timm_folder


def test_a_model_is_the_one_that_timm_loads(tmp_path):
    place = timm_folder(tmp_path).checkpoints / "vit-1"
    task = Timm.of(place, data=tmp_path / "data")
    model = task.model({}, 0)
    model.load_state_dict(Timm.weights(place))
    expected = library("timm").create_model(f"local-dir:{place}", pretrained=True).eval()
    ((images, labels),) = task.sample(0, examples=4, batch=4)
    assert images.shape == (4, 3, 16, 16)
    assert torch.equal(task.logits(model, (images, labels)), expected(images))


def test_a_folder_without_weights_is_refused(tmp_path):
    place = timm_folder(tmp_path).checkpoints / "vit-1"
    (place / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="expected model.safetensors or pytorch_model.bin"):
        Timm.weights(place)
