import pytest
import torch

from measures import UndefinedStatisticError
from measures.statistics.bootstrap import Resamples, membership, percentile_interval, resampled


def test_whole_groups_are_drawn(generator):
    labels = ["a", "b", "a", "c", "c", "c"]
    weights = resampled(labels, 100, generator).weights
    for label in "abc":
        models = [i for i, name in enumerate(labels) if name == label]
        assert bool((weights[:, models] == weights[:, models[:1]]).all())
    # Three groups are drawn, and each as often as any other: 100 expected, 4 standard deviations of 8.2 either way.
    groups = weights[:, [0, 1, 3]]
    assert bool((groups.sum(dim=1) == 3).all())
    assert bool(((groups.sum(dim=0) - 100).abs() < 33).all())


@pytest.mark.parametrize("labels", ["aabacc", range(6)])
def test_sums_are_over_models_as_often_as_they_were_drawn(labels, generator):
    draws = resampled(labels, 20, generator)
    tables = torch.randn(2, 6, 6, generator=generator, dtype=torch.float64)
    weights = draws.weights
    torch.testing.assert_close(draws.over_pairs(tables), torch.einsum("ri,kij,rj->kr", weights, tables, weights))
    torch.testing.assert_close(draws.over_models(tables), torch.einsum("ri,kij->krj", weights, tables))


def test_once_holds_every_model_once():
    assert Resamples.once(3).weights.tolist() == [[1.0, 1.0, 1.0]]


def test_membership_is_in_order_of_first_sight():
    assert membership(["b", "a", "b"]).tolist() == [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]


def test_interval_holds_percentiles_of_what_is_defined():
    counts = torch.arange(1001, dtype=torch.float64).unsqueeze(1)  # more than one chunk

    def statistic(some: Resamples) -> torch.Tensor:
        return torch.where(some.counts[:, 0] > 900, torch.nan, some.counts[:, 0])

    assert percentile_interval(statistic, Resamples(counts, membership("a")), 0.9) == pytest.approx((45.0, 855.0))


def test_statistic_that_no_resample_defines_is_refused():
    draws = Resamples(torch.ones(5, 3, dtype=torch.float64), membership("abc"))
    with pytest.raises(UndefinedStatisticError, match="defined in none of 5 resamples"):
        percentile_interval(lambda some: some.counts[:, 0] * torch.nan, draws, 0.95)
