import math

import pytest

from measures.statistics.sample import Sample, configurations


def test_only_models_with_every_number_are_kept():
    sample = Sample.of({"x": [1.0, math.nan, 3.0, 4.0], "y": [1.0, 2.0, math.nan, 5.0]})
    assert (sample.kept, sample.missing, len(sample)) == ((0, 3), 2, 2)
    assert sample["y"].tolist() == [1.0, 5.0]
    assert sample.labels("abcd") == ["a", "d"]


def test_column_without_models_varies_not():
    sample = Sample.of({"x": [math.nan], "y": [1.0]})
    with pytest.raises(ValueError, match="x is constant over 0 models"):
        sample.require_varying("x")


@pytest.mark.parametrize("columns", [{}, {"a": [1], "b": [1, 2]}])
def test_configurations_need_columns_of_one_length(columns):
    with pytest.raises(ValueError, match="at least one hyperparameter, with one value per model each"):
        configurations(columns)
