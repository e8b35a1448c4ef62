import math

import numpy as np
import pytest
import torch
from scipy.stats import f_oneway, kendalltau

from measures import UndefinedStatisticError, reliability

# Six targets, four judges: Table 2 of [ShroutFleiss1979]; its text gives the coefficients .17 and .71.
RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_published_example_has_the_published_coefficients():
    alone, shared = reliability(RATINGS, shared=False), reliability(RATINGS, shared=True)
    assert (round(alone.value, 2), round(shared.value, 2)) == (0.17, 0.71)
    assert (alone.n, alone.repeats, alone.missing) == (6, 4, 0)
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    columns = np.array(RATINGS).T
    assert alone.tau == pytest.approx(np.mean([kendalltau(columns[i], columns[j]).statistic for i, j in pairs]))


def test_coefficient_is_that_of_the_analysis_of_variance(generator):
    table = torch.randn(10, 3, generator=generator, dtype=torch.float64).numpy()
    ratio = f_oneway(*table).statistic
    assert reliability(table.tolist(), shared=False).value == pytest.approx((ratio - 1) / (ratio + 2))


@pytest.mark.parametrize("shared", [False, True])
def test_interval_covers_the_truth_as_often_as_it_says(shared, generator):
    truth, hits = 0.6, 0
    for _ in range(400):
        models = math.sqrt(truth) * torch.randn(15, 1, generator=generator)
        repeats = math.sqrt(1 - truth) * torch.randn(15, 3, generator=generator)
        offset = 5 * shared * torch.randn(3, generator=generator)
        found = reliability((models + repeats + offset).tolist(), shared=shared, confidence=0.9)
        hits += found.low <= truth <= found.high
    assert abs(hits - 360) <= 24  # exact for normal variables; 4 standard deviations of the count


def test_offset_of_a_repeat_matters_unless_repeats_are_shared(generator):
    table = torch.randn(20, 1, generator=generator) + 0.1 * torch.randn(20, 3, generator=generator)
    moved = (table + torch.tensor([0.0, 5.0, -5.0])).tolist()
    assert reliability(moved, shared=True).value == pytest.approx(reliability(table.tolist(), shared=True).value)
    assert reliability(moved, shared=False).value < 0.1 < 0.9 < reliability(moved, shared=True).value


def test_repeats_that_agree_exactly_are_wholly_reliable():
    found = reliability([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]], shared=False)
    assert (found.value, found.low, found.high, found.tau) == (1.0, 1.0, 1.0, 1.0)


def test_models_with_a_missing_repeat_are_left_out():
    found = reliability([*RATINGS, [1.0, math.nan, 2.0, 3.0]], shared=True)
    assert (found.n, found.missing) == (6, 1)
    assert found.value == reliability(RATINGS, shared=True).value


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1.0, 2.0], [1.0]], r"equally many repeats of every model, got \[1, 2\]"),
        ([[1.0], [2.0]], "two models and two repeats, got 2 and 1"),
        ([[1.0, 2.0], [math.nan, 1.0]], "got 1 and 2"),
        ([[1.0, 1.0], [1.0, 1.0]], "of 2 models do not vary"),
        ([], "got 0 and 0"),
    ],
)
def test_bad_input_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        reliability(table, shared=False)
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        reliability(table, shared=False, confidence=1.0)


def test_what_is_undetermined_is_told_from_what_is_wrong():
    with pytest.raises(UndefinedStatisticError):
        reliability([[0.1, 0.3]] * 3, shared=True)  # models that differ by nothing but the offset of the repeat
