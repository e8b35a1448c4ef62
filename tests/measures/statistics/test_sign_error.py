import itertools
import math

import numpy as np
import pytest
import torch

from measures import UndefinedStatisticError, sign_error

SEEDS = 4
GRID = list(itertools.product([0.1, 0.2, 0.4], [2, 4], range(SEEDS)))
TABLE = {"rate": [g[0] for g in GRID], "depth": [g[1] for g in GRID]}


def brute_force(x, y, evaluated_on):
    """Every pair of configurations that differ in one value, every pair of their seeds."""
    found = []
    settings = list(itertools.product([0.1, 0.2, 0.4], [2, 4]))
    models = {s: [i for i, g in enumerate(GRID) if g[:2] == s] for s in settings}
    for a, b in itertools.combinations(settings, 2):
        if sum(p != q for p, q in zip(a, b, strict=True)) != 1:
            continue
        errors, weights = [], []
        for i, j in itertools.product(models[a], models[b]):
            errors.append((1 - np.sign(x[i] - x[j]) * np.sign(y[i] - y[j])) / 2)
            gap = y[i] - y[j]
            surely = max(0, 1 - 2 * math.exp(-2 * evaluated_on * (gap / 2) ** 2)) ** 2 if evaluated_on else 1.5
            weights.append(max(surely - 0.5, 0))
        effective = sum(weights) ** 2 / sum(w**2 for w in weights) if any(weights) else 0
        if effective >= 12 - 1e-9:
            found.append(np.average(errors, weights=weights))
    return sorted(found)


@pytest.mark.parametrize("evaluated_on", [None, 200])
def test_errors_are_those_of_the_definition(evaluated_on, generator):
    x, y = torch.randn(2, len(GRID), generator=generator, dtype=torch.float64).tolist()
    found = sign_error(x, y, TABLE, evaluated_on=evaluated_on)
    expected = brute_force(x, y, evaluated_on)
    assert sorted(e.error for e in found.environments) == pytest.approx(expected, abs=1e-12)
    assert found.mean == pytest.approx(np.mean(expected))
    assert found.quantile(0.9) == pytest.approx(np.quantile(expected, 0.9))
    assert found.worst.error == max(e.error for e in found.environments)
    assert len(found.environments) + found.thin == 3 * 2 + 3
    assert found.thin == (0 if evaluated_on is None else 9 - len(expected))


def test_monotone_function_of_the_target_never_errs_and_its_opposite_always(generator):
    y = torch.randn(len(GRID), generator=generator, dtype=torch.float64)
    assert sign_error(y.exp().tolist(), y.tolist(), TABLE).worst.error == 0.0
    assert sign_error((-y).tolist(), y.tolist(), TABLE).mean == 1.0
    assert sign_error([1.0] * len(GRID), y.tolist(), TABLE).mean == 0.5


def test_one_bad_change_is_the_worst_environment_however_good_the_mean():
    gap = [100 * rate + depth for rate, depth, _ in GRID]
    sharpness = [100 * rate + (-depth if rate == 0.4 else depth) for rate, depth, _ in GRID]
    found = sign_error(sharpness, gap, TABLE)
    worst = found.worst
    assert (worst.error, worst.hyperparameter, worst.values, worst.setting) == (1.0, "depth", (2, 4), {"rate": 0.4})
    assert found.mean < 0.5


def test_pairs_whose_order_is_noise_do_not_count():
    # Depths differ by 2 %, which 1000 examples do not tell: their wrong order is forgiven.
    gap = [rate + 0.01 * depth for rate, depth, _ in GRID]
    sharpness = [rate - 0.001 * depth for rate, depth, _ in GRID]
    blind = sign_error(sharpness, gap, TABLE)
    weighted = sign_error(sharpness, gap, TABLE, evaluated_on=1000)
    assert blind.worst.error == 1.0
    assert weighted.worst.error == 0.0
    assert weighted.thin == 3  # every change of depth


def test_environments_over_settings_serve_pools_without_seeds():
    table = {name: column[::SEEDS] for name, column in TABLE.items()}
    gap = [float(i) for i in range(6)]
    with pytest.raises(UndefinedStatisticError, match="the largest has 1: train more seeds, take across='settings'"):
        sign_error(gap, gap, table)
    found = sign_error(gap, gap, table, across="settings", least_pairs=2)
    assert [(e.hyperparameter, e.values, e.pairs) for e in found.environments] == [
        ("depth", (2, 4), 3.0),
        ("rate", (0.1, 0.2), 2.0),
        ("rate", (0.1, 0.4), 2.0),
        ("rate", (0.2, 0.4), 2.0),
    ]


def test_missing_models_are_left_out(generator):
    y = torch.randn(len(GRID), generator=generator, dtype=torch.float64).tolist()
    found = sign_error([math.nan, *y[1:]], y, TABLE)
    assert (found.n, found.missing) == (len(GRID) - 1, 1)
    assert found.thin == 0  # 3 seeds against 4 make 12 pairs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"across": "models"}, "across must be 'seeds' or 'settings', got 'models'"),
        ({"least_pairs": 0.0}, "least_pairs must be positive"),
        ({"evaluated_on": 0}, "evaluated_on must be positive"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        sign_error([1.0, 2.0], [1.0, 2.0], {"rate": [1, 2]}, **options)


def test_pool_without_neighbours_has_no_environment():
    with pytest.raises(UndefinedStatisticError, match="none of 0 environments"):
        sign_error([math.nan, 1.0], [1.0, 2.0], {"rate": [1, 2]})
    with pytest.raises(UndefinedStatisticError, match="none of 0 environments"):
        sign_error([math.nan], [1.0], {"rate": [1]})
