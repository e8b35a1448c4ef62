import math

import pytest

from measures import ModelTable

NUMBERS = [1.0, 2.0, 3.0]


def test_known_numbers_are_hyperparameters_that_vary_and_covariates():
    hyperparameters = {"rate": [1, 2, 3], "depth": [2, 2, 2], "optimizer": ["sgd", "adam", "sgd"]}
    table = ModelTable(hyperparameters, {}, {"gap": NUMBERS}, {"train loss": NUMBERS})
    assert table.known() == {"rate": NUMBERS, "train loss": NUMBERS}


def test_complete_table_keeps_models_that_lack_nothing():
    table = ModelTable({"rate": "abc"}, {"m": [math.nan, 2.0, 3.0]}, {"gap": NUMBERS}, {"loss": [1.0, 2.0, math.nan]})
    assert table.complete() == ModelTable({"rate": ["b"]}, {"m": [2.0]}, {"gap": [2.0]}, {"loss": [2.0]})


@pytest.mark.parametrize(
    ("hyperparameters", "measures", "message"),
    [
        ({"rate": [1, 2]}, {"trace": NUMBERS}, "one value per model in every column"),
        ({}, {"trace": NUMBERS}, "at least one hyperparameter"),
        ({"gap": NUMBERS}, {"trace": NUMBERS}, "gap occurs twice"),
    ],
)
def test_bad_columns_are_refused(hyperparameters, measures, message):
    with pytest.raises(ValueError, match=message):
        ModelTable(hyperparameters, measures, {"gap": NUMBERS})
