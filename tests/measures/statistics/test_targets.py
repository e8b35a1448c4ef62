import math

import pytest

from measures import generalization_targets

COLUMNS = {"train_error": [0.0, 0.5], "test_error": [0.25, 0.75], "train_loss": [0.5, 1.0], "test_loss": [2.0, 1.5]}


def test_every_target_is_given_and_missing_stays_missing():
    found = generalization_targets(**COLUMNS, shifted_error=[0.5, math.nan])
    assert list(found) == ["error gap", "loss gap", "test error", "shifted error"]
    assert (found["error gap"], found["loss gap"]) == ([0.25, 0.25], [1.5, 0.5])
    assert math.isnan(found["shifted error"][1])
    assert "shifted error" not in generalization_targets(**COLUMNS)


def test_columns_of_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="'shifted error': 1"):
        generalization_targets(**COLUMNS, shifted_error=[0.5])
