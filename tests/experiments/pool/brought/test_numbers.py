import json

import pytest

from experiments.pool.brought.numbers import records_of


def test_columns_are_sorted_into_targets_seed_and_hyperparameters(tmp_path):
    path = tmp_path / "numbers.jsonl"
    rows = [
        {
            "model": "a",
            "seed": 3,
            "train_error": 0.1,
            "Test Accuracy": 0.75,
            "lr": 0.01,
            "schedule": "cyclic",
            "note": None,
        },
        {"model": "b", "test loss": 0.5, "train loss": 0.2, "epochs": 4},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    a, b = records_of(path).values()
    assert a.seed == 3
    assert a.targets == pytest.approx({"train error": 0.1, "test error": 0.25, "error gap": 0.15})
    assert a.configuration == {"learning rate": 0.01, "schedule": "cyclic"}
    assert b.seed == 0
    assert b.targets == pytest.approx({"test loss": 0.5, "train loss": 0.2, "loss gap": 0.3})
    assert b.configuration == {"epochs": 4}


def test_a_table_without_names_or_with_one_twice_is_refused(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("lr,test error\n0.1,0.2\n")
    with pytest.raises(ValueError, match=r"expected a column model or name .* got \['lr', 'test error'\]"):
        records_of(path)
    path.write_text("model,lr\na,0.1\na,0.2\n")
    with pytest.raises(ValueError, match="two rows for a; keep one"):
        records_of(path)
