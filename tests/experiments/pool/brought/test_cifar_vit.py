import pytest

from experiments.pool.brought import CifarViT
from tests.experiments.pool.brought.stand_ins import cifar_vit


def test_hyperparameters_are_read_from_the_name_of_the_file(tmp_path):
    stand_in = cifar_vit(tmp_path)
    record = CifarViT.records(CifarViT.checkpoints(stand_in.checkpoints), None)["2023-01-14_23_50_08.101"]
    assert record.seed == 1
    assert record.configuration["learning rate"] == 0.06
    assert record.configuration["radius"] == 0.05
    assert record.configuration["augmentation"] == "False"
    assert not {"dataset", "seed"} & set(record.configuration)
    assert record.targets == {}


def test_numbers_are_those_of_any_run_of_the_evaluation(tmp_path):
    stand_in = cifar_vit(tmp_path)
    records = CifarViT.records(CifarViT.checkpoints(stand_in.checkpoints), stand_in.results)
    assert records["2023-01-14_23_50_08.101"].targets == pytest.approx(
        {
            "train error": 0.0,
            "train loss": 0.01,
            "test error": 0.2,
            "test loss": 0.5,
            "shifted error": 0.4,
            "shifted loss": 2.0,
            "error gap": 0.2,
            "loss gap": 0.49,
        }
    )


def test_a_model_that_was_not_evaluated_has_no_record(tmp_path):
    stand_in = cifar_vit(tmp_path)
    for path in stand_in.results.glob("1-*.json"):
        path.unlink()
    assert set(CifarViT.records(CifarViT.checkpoints(stand_in.checkpoints), stand_in.results)) == {stand_in.models[0]}
    for path in stand_in.results.glob("*.json"):
        path.unlink()
    with pytest.raises(ValueError, match="expected JSON documents of an evaluation"):
        CifarViT.records({}, stand_in.results)


def test_networks_of_other_kinds_are_left_aside(tmp_path):
    stand_in = cifar_vit(tmp_path)
    assert len(list(stand_in.checkpoints.iterdir())) == 3
    assert list(CifarViT.checkpoints(stand_in.checkpoints)) == stand_in.models
