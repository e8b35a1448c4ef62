import pytest
import torch

from measures import UndefinedStatisticError
from measures.statistics.bootstrap import membership, percentile_interval, resampled_weights


def test_whole_groups_are_drawn(generator):
    labels = ["a", "b", "a", "c", "c", "c"]
    weights = resampled_weights(labels, 100, generator)
    for label in "abc":
        models = [i for i, name in enumerate(labels) if name == label]
        assert bool((weights[:, models] == weights[:, models[:1]]).all())
    # Three groups are drawn, and each as often as any other: 100 expected, 4 standard deviations of 8.2 either way.
    groups = weights[:, [0, 1, 3]]
    assert bool((groups.sum(dim=1) == 3).all())
    assert bool(((groups.sum(dim=0) - 100).abs() < 33).all())


def test_membership_is_in_order_of_first_sight():
    assert membership(["b", "a", "b"]).tolist() == [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]


def test_interval_holds_percentiles_of_what_is_defined():
    weights = torch.arange(1001, dtype=torch.float64).unsqueeze(1)  # more than one chunk

    def statistic(chunk: torch.Tensor) -> torch.Tensor:
        return torch.where(chunk[:, 0] > 900, torch.nan, chunk[:, 0])

    assert percentile_interval(statistic, weights, 0.9) == pytest.approx((45.0, 855.0))


def test_statistic_that_no_resample_defines_is_refused():
    weights = torch.ones(5, 3, dtype=torch.float64)
    with pytest.raises(UndefinedStatisticError, match="defined in none of 5 resamples"):
        percentile_interval(lambda w: w[:, 0] * torch.nan, weights, 0.95)
