import itertools
import math

import pytest
import torch

from measures import conditional_mutual_information
from measures.statistics.coefficient import order
from measures.statistics.pair_table import PairTable, pair_cells

GRID = list(itertools.product([0.1, 0.2, 0.4], [2, 4, 8]))


def table_of(target, *sets):
    return PairTable.of([pair_cells(GRID, s) for s in sets], order(target))


def test_measures_at_once_have_the_information_of_each(generator):
    x, z, y = torch.randn(3, len(GRID), generator=generator, dtype=torch.float64).round(decimals=1)
    together = table_of(y, (), (0,)).information(torch.stack([order(v).flatten() for v in (x, z)], dim=1).numpy())
    table = {"rate": [g[0] for g in GRID], "depth": [g[1] for g in GRID]}
    for place, values in enumerate((x, z)):
        alone = conditional_mutual_information(values.tolist(), y.tolist(), table, permutations=0)
        assert together[:, place].tolist() == pytest.approx([alone.sets[()], alone.sets["rate",]], abs=1e-12)


def test_every_pair_of_two_models_is_in_one_cell_of_every_set(generator):
    table = table_of(torch.randn(len(GRID), generator=generator), (), (1,), (0, 1))
    assert table.cells == (1, 9, 81)
    assert table.sizes.sum() == 3 * len(GRID) * (len(GRID) - 1)
    assert set(table.pairs.sum(axis=0)) == {0.0, 3.0}  # models with themselves, and all others


def test_some_of_the_sets_are_as_among_all(generator):
    y, x = torch.randn(2, len(GRID), generator=generator, dtype=torch.float64)
    orders = order(x).reshape(-1, 1).numpy()
    everything = table_of(y, (), (0,), (1,))
    assert (everything.of_sets([0, 2]).information(orders) == everything.information(orders)[[0, 2]]).all()


def test_entropy_is_that_of_signs_which_are_as_often_up_as_down():
    table = table_of(torch.arange(len(GRID), dtype=torch.float64), ())
    assert table.entropies.item() == pytest.approx(len(GRID) * (len(GRID) - 1) * math.log(2))
