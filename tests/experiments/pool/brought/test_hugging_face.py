import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from experiments.models.zoo import library
from experiments.pool.brought import HuggingFace
from tests.experiments.pool.brought.stand_ins import hugging_face, pictures


def test_checkpoints_are_found_at_any_depth(tmp_path):
    stand_in = hugging_face(tmp_path)
    deeper = stand_in.checkpoints / "sweep" / "run"
    deeper.mkdir(parents=True)
    (stand_in.checkpoints / "run-0").rename(deeper / "0")
    assert list(HuggingFace.checkpoints(stand_in.checkpoints)) == ["run-1", "sweep.run.0"]


def test_words_for_labels_are_those_of_the_configuration(tmp_path):
    stand_in = hugging_face(tmp_path)
    path = stand_in.checkpoints / "run-0" / "config.json"
    config = json.loads(path.read_text()) | {"id2label": {"0": "no", "1": "yes"}, "label2id": {"no": 0, "yes": 1}}
    path.write_text(json.dumps(config))
    (stand_in.data / "train.jsonl").write_text('{"text": "a", "label": "yes"}\n{"text": "b", "label": "no"}\n')
    task = HuggingFace.of(stand_in.checkpoints / "run-0", data=stand_in.data)
    assert task.examples("train").labels == [1, 0]


def test_a_checkpoint_without_its_head_is_refused_with_what_it_lacks(tmp_path):
    place = hugging_face(tmp_path).checkpoints / "run-0"
    state = load_file(place / "model.safetensors")
    save_file({n: v for n, v in state.items() if "classifier" not in n}, place / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks \['classifier.bias', 'classifier.weight'\]"):
        HuggingFace.weights(place)


def test_weights_that_are_cut_short_and_folders_without_a_model_are_refused(tmp_path):
    place = hugging_face(tmp_path).checkpoints / "run-0"
    path = place / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="is the download whole"):
        HuggingFace.weights(place)
    with pytest.raises(ValueError, match=r"expected config.json and the weights"):
        HuggingFace.weights(tmp_path)


def test_classifiers_of_pictures_prepare_them_as_their_processor_says(tmp_path):
    transformers = library("transformers")
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.ViTConfig(image_size=8, patch_size=4, num_labels=3, **sizes)
    model = transformers.ViTForImageClassification(config).eval()
    model.save_pretrained(tmp_path / "models" / "vit")
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 8, "width": 8}}
    processor |= {"do_rescale": True, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (tmp_path / "models" / "vit" / "preprocessor_config.json").write_text(json.dumps(processor))
    pictures(tmp_path / "data")
    task = HuggingFace.of(tmp_path / "models" / "vit", data=tmp_path / "data")
    ((images, labels),) = task.sample(0, examples=4, batch=4)
    assert images.shape == (4, 3, 8, 8)
    assert images.abs().max() <= 1.0
    ours = task.model({}, 0)
    ours.load_state_dict(HuggingFace.weights(tmp_path / "models" / "vit"))
    torch.testing.assert_close(task.logits(ours, (images, labels)), model(images).logits)
