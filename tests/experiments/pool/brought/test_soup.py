import pytest

from experiments.pool.brought import Soup
from tests.experiments.pool.brought.stand_ins import soup


def test_numbers_and_hyperparameters_are_those_of_the_two_files(tmp_path):
    stand_in = soup(tmp_path)
    records = Soup.records(Soup.checkpoints(stand_in.checkpoints), stand_in.results)
    assert records["model_1"].targets == pytest.approx({"test error": 0.25, "shifted error": 0.7})
    assert records["model_1"].configuration == {
        "learning rate": 1e-5,
        "weight decay": 0.01,
        "epochs": 4,
        "augmentation": "none",
        "mixup": 0,
        "label smoothing": 0.1,
    }
    assert records["model_0"].configuration["epochs"] == 0


def test_the_file_of_numbers_is_asked_for():
    with pytest.raises(ValueError, match=r"individual_model_results.jsonl .* by --results"):
        Soup.records({}, None)


def test_a_file_of_hyperparameters_that_is_absent_is_named(tmp_path):
    stand_in = soup(tmp_path)
    (tmp_path / "hparam_info.json").unlink()
    with pytest.raises(ValueError, match="hparam_info.json"):
        Soup.records({}, stand_in.results)


def test_the_leftovers_of_the_text_tower_are_no_weights(tmp_path):
    checkpoint = soup(tmp_path).checkpoints / "model_0.pt"
    state = Soup.weights(checkpoint)
    assert not [name for name in state if not name.startswith(("tower.", "head."))]
