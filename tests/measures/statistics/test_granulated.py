import itertools
import math

import pytest
import torch

from measures import UndefinedStatisticError, granulated

GRID = list(itertools.product([0.1, 0.2, 0.4], [2, 4], ["sgd", "adam", "lion"]))
TABLE = dict(zip(["rate", "depth", "optimizer"], map(list, zip(*GRID, strict=True)), strict=True))


def brute_force(x, y):
    """The two nested means of the definition, over a full grid without repeats."""
    psi = []
    for i in range(3):
        cells = {}
        for model, setting in enumerate(GRID):
            cells.setdefault(setting[:i] + setting[i + 1 :], []).append(model)
        taus = []
        for cell in cells.values():
            pairs = list(itertools.permutations(cell, 2))
            signs = [math.copysign(1, x[a] - x[b]) * math.copysign(1, y[a] - y[b]) for a, b in pairs]
            taus.append(sum(signs) / len(pairs))
        psi.append(sum(taus) / len(taus))
    return psi


def test_coefficient_is_that_of_the_definition(generator):
    x, y = torch.randn(2, len(GRID), generator=generator, dtype=torch.float64).tolist()
    found = granulated(x, y, TABLE)
    expected = brute_force(x, y)
    assert [axis.value for axis in found.axes.values()] == pytest.approx(expected, abs=1e-12)
    assert found.value == pytest.approx(sum(expected) / 3, abs=1e-12)
    assert [(a.levels, a.settings) for a in found.axes.values()] == [(3, 6), (2, 9), (3, 6)]


def test_monotone_function_of_the_target_has_coefficient_one(generator):
    y = torch.randn(len(GRID), generator=generator, dtype=torch.float64)
    assert granulated(y.exp().tolist(), y.tolist(), TABLE).value == 1.0
    assert granulated((-y).tolist(), y.tolist(), TABLE).value == -1.0


def test_measure_that_follows_one_hyperparameter_is_found_out():
    # The rate sets the gap, the others move it by less: the overall order is right, two axes of three are wrong.
    gap = [100 * rate + depth + 0.1 * len(name) for rate, depth, name in GRID]
    sharpness = [100 * rate - depth - 0.1 * len(name) for rate, depth, name in GRID]
    found = granulated(sharpness, gap, TABLE)
    assert found.axes["rate"].value == 1.0
    assert found.axes["depth"].value == -1.0
    assert found.value < 0


def test_constant_measure_has_coefficient_zero():
    assert granulated([1.0] * len(GRID), [float(i) for i in range(len(GRID))], TABLE).value == 0.0


def test_seeds_of_one_configuration_are_not_compared_among_themselves():
    # Across rates the order is right for any seeds; within a rate it is always wrong, and does not count.
    found = granulated([1.0, 2.0, 11.0, 12.0], [2.0, 1.0, 12.0, 11.0], {"rate": [1, 1, 2, 2]})
    assert found.value == 1.0


def test_standard_error_is_that_of_the_mean_over_settings():
    found = granulated([1.0, 2.0, 4.0, 3.0], [1.0, 2.0, 3.0, 4.0], {"rate": [1, 2, 1, 2], "depth": [1, 1, 2, 2]})
    assert found.axes["rate"].value == 0.0
    assert found.axes["rate"].stderr == pytest.approx(math.sqrt(2) / math.sqrt(2))


def test_axis_without_comparable_models_is_left_out(generator):
    x, y = torch.randn(2, 3, generator=generator, dtype=torch.float64).tolist()
    found = granulated(x, y, {"rate": [1, 2, 3], "data": ["digits"] * 3})
    assert list(found.axes) == ["rate"]
    assert found.axes["rate"].stderr is None


def test_missing_models_are_left_out_and_counted():
    found = granulated([1.0, 2.0, math.nan], [1.0, 2.0, 0.0], {"rate": [1, 2, 3]})
    assert (found.value, found.n, found.missing, found.axes["rate"].levels) == (1.0, 2, 1, 2)


def test_models_that_differ_in_everything_are_refused():
    with pytest.raises(UndefinedStatisticError, match="among 2 models no two differ in one of rate, depth alone"):
        granulated([1.0, 2.0], [1.0, 2.0], {"rate": [1, 2], "depth": [1, 2]})
