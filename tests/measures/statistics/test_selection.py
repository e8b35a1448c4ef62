import math

import pytest
import torch
from scipy.stats import kendalltau

from measures import UndefinedStatisticError, select_setting
from measures.statistics.bootstrap import membership
from measures.statistics.coefficient import order
from measures.statistics.permutation import block_permutations, permuted_orders
from measures.statistics.selection import nested_coefficient, pair_sums, strongest_coefficients


def draws(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def brute_force(candidates, y):
    """Every pair held out, every candidate's tau over the others by scipy."""
    concordance = untied = ordered = 0.0
    n = len(y)
    for i in range(n):
        for j in range(i):
            rest = [k for k in range(n) if k not in (i, j)]
            taus = [kendalltau([x[k] for k in rest], [y[k] for k in rest]).statistic for x in candidates]
            best = max(range(len(candidates)), key=lambda s: abs(taus[s]))
            x = candidates[best]
            sign_x, sign_y = math.copysign(x[i] != x[j], x[i] - x[j]), math.copysign(y[i] != y[j], y[i] - y[j])
            concordance += math.copysign(1, taus[best]) * sign_x * sign_y
            untied += abs(sign_x)
            ordered += abs(sign_y)
    return concordance / math.sqrt(untied * ordered)


def test_nested_coefficient_is_that_of_the_definition(generator):
    table = draws(generator, 4, 9).round(decimals=1).tolist()
    found = select_setting(dict(enumerate(table[:3])), table[3], permutations=0)
    assert found.nested == pytest.approx(brute_force(table[:3], table[3]), abs=1e-12)
    taus = [kendalltau(x, table[3]).statistic for x in table[:3]]
    assert found.best_value == pytest.approx(max(taus, key=abs), abs=1e-12)
    assert found.best == max(range(3), key=lambda s: abs(taus[s]))
    assert sum(found.chosen.values()) == pytest.approx(1.0)


def test_standard_error_is_the_jackknife_over_models(generator):
    table = draws(generator, 3, 8)
    candidates, y = dict(enumerate(table[:2].tolist())), table[2].tolist()
    left_out = []
    for i in range(8):
        without = {s: x[:i] + x[i + 1 :] for s, x in candidates.items()}
        left_out.append(select_setting(without, y[:i] + y[i + 1 :], permutations=0).nested)
    spread = torch.tensor(left_out, dtype=torch.float64).var(correction=0).item()
    assert select_setting(candidates, y, permutations=0).stderr == pytest.approx(math.sqrt(7 * spread), abs=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_setting_that_knows_the_order_is_chosen_and_not_inflated(sign, generator):
    y = draws(generator, 12)
    grid = {"noise": draws(generator, 12).tolist(), "right": (sign * y).exp().tolist(), "constant": [1.0] * 12}
    found = select_setting(grid, y.tolist(), generator=generator)
    assert (found.best, found.best_value, found.chosen) == ("right", sign, {"right": 1.0})
    assert (found.nested, found.inflation) == pytest.approx((1.0, 0.0))
    assert found.p_value == pytest.approx(1 / 201)


def test_noise_is_worth_nothing_nested_and_much_as_best_of_grid(generator):
    nested, best, one_out = [], [], []
    for _ in range(150):
        table, y = draws(generator, 20, 14), draws(generator, 14)
        orders = order_of_rows(table)
        sums = pair_sums(orders, order(y), torch.eye(14, dtype=torch.float64))
        nested.append(nested_coefficient(sums).item())
        best.append(sums.coefficients().abs().max().item())
        one_out.append(one_held_out(orders, order(y)))
    mean, middle, leaking = (torch.tensor(values).mean().item() for values in (nested, best, one_out))
    assert middle > 0.35
    assert abs(mean) < 0.06  # three standard errors: 0.24 / sqrt(150) = 0.02
    assert leaking > 0.08  # the counter-test: what holding out one configuration would report


def order_of_rows(table):
    return torch.stack([order(row) for row in table])


def one_held_out(orders, target):
    """Each model against those that chose the setting for it."""
    n, total = len(target), 0.0
    for i in range(n):
        rest = torch.tensor([k for k in range(n) if k != i])
        taus = (orders * target)[:, rest][:, :, rest].sum(dim=(1, 2))
        best = int(taus.abs().argmax())
        total += (taus[best].sign() * (orders[best, i] * target[i]).sum()).item()
    return total / (n * (n - 1))


@pytest.mark.parametrize("labels", [range(8), "aabbcddd"])
def test_null_is_the_best_of_the_grid_for_every_permuted_target(labels, generator):
    table = draws(generator, 4, 8).round(decimals=0)
    orders, target, blocks = order_of_rows(table[:3]), order(table[3]), membership(labels)
    permutations = block_permutations(labels, 6, generator)
    (shuffled,) = permuted_orders(table[3], permutations)
    expected = [pair_sums(orders, target[p][:, p], blocks).coefficients().abs().max() for p in permutations]
    torch.testing.assert_close(strongest_coefficients(orders, shuffled, blocks), torch.stack(expected))


def test_p_value_accounts_for_the_search(generator):
    p_values = []
    for _ in range(40):
        grid = dict(enumerate(draws(generator, 10, 10).tolist()))
        p_values.append(
            select_setting(grid, draws(generator, 10).tolist(), permutations=19, generator=generator).p_value
        )
    # 20 % of 40 are 8, with a standard deviation of 2.5: three of them either way.
    assert 1 <= sum(p <= 0.2 for p in p_values) <= 15


def test_seeds_are_held_out_with_their_configuration_and_not_compared(generator):
    y = draws(generator, 6)
    groups = [label for label in "abcdef" for _ in range(3)]
    repeated = {s: [v for v in x for _ in range(3)] for s, x in enumerate(draws(generator, 3, 6).tolist())}
    found = select_setting(repeated, [v for v in y.tolist() for _ in range(3)], groups=groups, permutations=0)
    single = select_setting({s: x[::3] for s, x in repeated.items()}, y.tolist(), permutations=0)
    assert (found.nested, found.best_value, found.stderr) == pytest.approx(
        (single.nested, single.best_value, single.stderr)
    )
    assert math.isnan(found.p_value)


def test_model_that_one_setting_lacks_is_left_out_of_all(generator):
    table = draws(generator, 3, 8).tolist()
    found = select_setting({0: [math.nan, *table[0][1:]], 1: table[1]}, table[2], permutations=0)
    assert (found.n, found.missing) == (7, 1)
    assert found.nested == select_setting({0: table[0][1:], 1: table[1][1:]}, table[2][1:], permutations=0).nested


def test_too_few_configurations_are_refused():
    with pytest.raises(UndefinedStatisticError, match="at least 5 configurations without a missing value, got 4"):
        select_setting({0: [1.0, 2.0, 3.0, 4.0]}, [1.0, 2.0, 3.0, 4.0])
    with pytest.raises(ValueError, match="expected at least one candidate"):
        select_setting({}, [1.0, 2.0, 3.0, 4.0, 5.0])
