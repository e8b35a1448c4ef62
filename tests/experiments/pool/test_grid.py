import pytest

from experiments.pool import Grid, identifier

GRID = Grid({"learning rate": (0.1, 0.2, 0.3), "batch size": (16, 64)}, seeds=(0, 1))


def test_a_grid_is_the_product_of_its_values_and_seeds():
    points = [(*configuration.values(), seed) for configuration, seed in GRID]
    assert len(points) == len(GRID) == 3 * 2 * 2
    assert len(set(points)) == len(points)
    assert {tuple(configuration) for configuration, _ in GRID} == {("learning rate", "batch size")}


def test_names_tell_points_apart_and_are_easy_to_type():
    names = [identifier(*point) for point in GRID]
    assert len(set(names)) == len(GRID)
    assert "learning-rate=0.1,batch-size=16,seed=0" in names


@pytest.mark.parametrize("count", range(1, 13))
def test_a_larger_spread_holds_a_smaller_one(count):
    assert GRID.spread(count) == GRID.spread()[:count]


def test_a_spread_of_all_is_the_grid_in_another_order():
    names = [identifier(*point) for point in GRID.spread()]
    assert sorted(names) == sorted(identifier(*point) for point in GRID)
    assert names != [identifier(*point) for point in GRID]


@pytest.mark.parametrize(("values", "seeds"), [({"rate": ()}, (0,)), ({"rate": (1, 1)}, (0,)), ({"rate": (1,)}, ())])
def test_values_are_there_and_there_once(values, seeds):
    with pytest.raises(ValueError, match="needs values, each of them once"):
        Grid(values, seeds=seeds)
