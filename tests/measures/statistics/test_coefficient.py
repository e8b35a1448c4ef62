import math

import pytest
import torch
from scipy.stats import kendalltau, spearmanr

from measures.statistics.bootstrap import Resamples, resampled
from measures.statistics.coefficient import kendall, order, spearman

SAMPLES = {
    "distinct": ([1.0, 5.0, 2.0, 8.0, 3.0, 7.0], [2.0, 4.0, 3.0, 9.0, 1.0, 5.0]),
    "ties": ([1.0, 1.0, 2.0, 3.0, 3.0, 3.0], [2.0, 2.0, 2.0, 9.0, 9.0, 5.0]),
}


@pytest.mark.parametrize(("weighted", "plain"), [(kendall, kendalltau), (spearman, spearmanr)])
@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("labels", [range(6), "aabbcd"])
@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning")
def test_draws_stand_for_models_that_occur_more_than_once(name, weighted, plain, labels, generator):
    x, y = (torch.tensor(values, dtype=torch.float64) for values in SAMPLES[name])
    draws = resampled(labels, 50, generator)
    found = weighted(order(x), order(y), draws)
    expected = []
    for row in draws.weights:
        drawn = torch.repeat_interleave(torch.arange(6), row.long())
        expected.append(plain(x[drawn].numpy(), y[drawn].numpy()).statistic)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), equal_nan=True)


def test_coefficient_of_a_constant_is_undefined():
    x = torch.ones(4, dtype=torch.float64)
    y = torch.arange(4, dtype=torch.float64)
    once = Resamples.once(4)
    assert math.isnan(kendall(order(x), order(y), once).item())
    assert math.isnan(spearman(order(x), order(y), once).item())
