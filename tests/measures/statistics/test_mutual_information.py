import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from measures import UndefinedStatisticError, conditional_mutual_information

GRID = list(itertools.product([0.1, 0.2, 0.4], [2, 4, 8], range(2)))  # two seeds of each
TABLE = {"rate": [g[0] for g in GRID], "depth": [g[1] for g in GRID]}


def draws(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def brute_force(x, y, chosen):
    """Cells of ordered pairs, the information in each by scikit-learn, weighted by the pairs in them."""
    cells = {}
    for i, j in itertools.permutations(range(len(x)), 2):
        key = tuple((TABLE[name][i], TABLE[name][j]) for name in chosen)
        cells.setdefault(key, []).append((np.sign(x[i] - x[j]), np.sign(y[i] - y[j])))
    information = uncertainty = 0.0
    for pairs in cells.values():
        first, second = zip(*pairs, strict=True)
        information += len(pairs) * mutual_info_score(first, second)
        uncertainty += len(pairs) * entropy(np.unique(second, return_counts=True)[1])
    return information / uncertainty


@pytest.mark.parametrize("tied", [False, True])
def test_information_is_that_of_the_definition(tied, generator):
    x, y = (draws(generator, 2, len(GRID)) * (2 if tied else 1)).round(decimals=0 if tied else 9).tolist()
    found = conditional_mutual_information(x, y, TABLE, permutations=0)
    assert list(found.sets) == [(), ("rate",), ("depth",), ("rate", "depth")]
    for chosen, value in found.sets.items():
        assert value == pytest.approx(brute_force(x, y, chosen), abs=1e-12)
    assert found.value == min(found.sets.values()) == found.sets[found.given]
    assert math.isnan(found.p_value)


@pytest.mark.parametrize("sign", [1, -1])
def test_monotone_function_of_the_target_tells_everything(sign, generator):
    y = draws(generator, len(GRID))
    found = conditional_mutual_information((sign * y).exp().tolist(), y.tolist(), TABLE, generator=generator)
    assert found.value == pytest.approx(1.0)
    assert found.p_value == pytest.approx(1 / 201)
    assert found.null < 0.2


def test_measure_that_knows_the_rate_alone_tells_nothing_beyond_it(generator):
    gap = [10 * rate + depth / 10 + 0.01 * i for i, (rate, depth, _) in enumerate(GRID)]
    found = conditional_mutual_information(TABLE["rate"], gap, TABLE, largest=1, permutations=0)
    assert found.sets[()] > 0.4
    assert (found.value, found.given) == (0.0, ("rate",))


def test_noise_gives_p_values_that_are_uniform_and_information_above_zero(generator):
    found = [
        conditional_mutual_information(*draws(generator, 2, 18).tolist(), TABLE, permutations=19, generator=generator)
        for _ in range(40)
    ]
    assert all(0 <= f.value <= 1 for f in found)
    assert sum(f.value for f in found) / 40 == pytest.approx(sum(f.null for f in found) / 40, abs=0.03)
    # 20 % of 40 are 8, with a standard deviation of 2.5: three of them either way.
    assert 1 <= sum(f.p_value <= 0.2 for f in found) <= 15


def test_set_that_determines_the_order_of_the_target_is_left_out():
    # One seed: given both hyperparameters of both models, nothing is left to tell.
    table = {"rate": [1, 1, 2, 2], "depth": [1, 2, 1, 2]}
    found = conditional_mutual_information([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0], table, permutations=0)
    assert list(found.sets) == [(), ("rate",), ("depth",)]


def test_targets_without_an_order_are_refused():
    with pytest.raises(UndefinedStatisticError, match="targets is constant"):
        conditional_mutual_information([1.0, 2.0], [1.0, 1.0], {"rate": [1, 2]})
    with pytest.raises(ValueError, match="must not be negative, got -1 and 200"):
        conditional_mutual_information([1.0, 2.0], [1.0, 2.0], {"rate": [1, 2]}, largest=-1)
