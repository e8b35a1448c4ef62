import itertools
import math

import pytest
import torch
from scipy.stats import kendalltau, norm, spearmanr

from measures import UndefinedStatisticError, correlate

SAMPLES = {
    "distinct": ([1.0, 5.0, 2.0, 8.0, 3.0, 7.0], [2.0, 4.0, 3.0, 9.0, 1.0, 5.0]),
    "ties in one": ([1.0, 1.0, 2.0, 3.0, 3.0, 3.0], [2.0, 4.0, 3.0, 9.0, 1.0, 5.0]),
    "ties in both": ([1.0, 1.0, 2.0, 3.0, 3.0, 3.0], [2.0, 2.0, 2.0, 9.0, 9.0, 5.0]),
    "reversed": ([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]),
}


def brute_force(x, y):
    pairs = list(itertools.combinations(range(len(x)), 2))

    def sign(v, i, j):
        return (v[i] > v[j]) - (v[i] < v[j])

    both = sum(sign(x, i, j) * sign(y, i, j) for i, j in pairs)
    return both / math.sqrt(sum(x[i] != x[j] for i, j in pairs) * sum(y[i] != y[j] for i, j in pairs))


@pytest.mark.parametrize("name", SAMPLES)
def test_tau_is_that_of_the_definition_and_of_scipy(name, generator):
    x, y = SAMPLES[name]
    found = correlate(x, y, resamples=50, generator=generator)
    assert found.tau == pytest.approx(brute_force(x, y), rel=1e-12)
    assert (found.tau, found.p_value) == pytest.approx(tuple(kendalltau(x, y)), rel=1e-12)


@pytest.mark.parametrize("name", SAMPLES)
def test_rho_is_that_of_scipy(name, generator):
    x, y = SAMPLES[name]
    found = correlate(x, y, coefficient="spearman", resamples=50, generator=generator)
    assert (found.value, found.p_value) == pytest.approx(tuple(spearmanr(x, y)), rel=1e-12)
    assert str(found).startswith("rho = ")
    with pytest.raises(AttributeError, match="is rho, not tau"):
        _ = found.tau


def test_interval_covers_the_truth_as_often_as_it_says(generator):
    truth = 2 / math.pi * math.asin(0.6)  # tau of a bivariate normal of correlation 0.6
    hits = 0
    for _ in range(100):
        z = torch.randn(2, 60, generator=generator, dtype=torch.float64)
        x, y = z[0], 0.6 * z[0] + 0.8 * z[1]
        found = correlate(x.tolist(), y.tolist(), resamples=200, generator=generator)
        hits += found.low <= truth <= found.high
    assert hits >= 87  # 95 % promised; 4 standard deviations of the count below


def test_seeds_taken_for_models_make_intervals_that_miss_the_truth_too_often(generator):
    groups = [c for c in range(12) for _ in range(3)]
    alone, blocked = 0, 0
    for _ in range(100):
        seeds = torch.randn(2, 12, 1, generator=generator) + 0.3 * torch.randn(2, 12, 3, generator=generator)
        x, y = seeds.flatten(1).tolist()
        for over in (None, groups):
            found = correlate(x, y, groups=over, resamples=200, generator=generator)
            covered = found.low <= 0 <= found.high
            alone, blocked = (alone + covered, blocked) if over is None else (alone, blocked + covered)
    # 76 % and 93 % of 1000 such repeats, the latter 95 % with more resamples; here 4 and 3 standard deviations below.
    assert blocked >= 83
    assert blocked - alone >= 5


def test_confidence_widens_the_interval():
    x, y = SAMPLES["distinct"]
    narrow, wide = (
        correlate(x, y, confidence=c, generator=torch.Generator().manual_seed(0)) for c in (0.5, norm.cdf(2))
    )
    assert wide.low <= narrow.low <= narrow.tau <= narrow.high <= wide.high


def test_models_of_one_group_are_drawn_together(generator):
    # Ten seeds of each of six configurations: seeds repeat their configuration, and add nothing.
    x = [float(c) for c in [1, 5, 2, 8, 3, 7] for _ in range(10)]
    y = [float(c) for c in [2, 4, 3, 9, 1, 5] for _ in range(10)]
    groups = [c for c in "abcdef" for _ in range(10)]
    alone = correlate(x, y, generator=torch.Generator().manual_seed(0))
    blocked = correlate(x, y, groups=groups, generator=torch.Generator().manual_seed(0))
    single = correlate(*SAMPLES["distinct"], generator=torch.Generator().manual_seed(0))
    assert blocked.high - blocked.low > 2 * (alone.high - alone.low)
    assert (blocked.low, blocked.high) == pytest.approx((single.low, single.high))
    assert blocked.n == 60


def test_missing_models_are_left_out_and_counted(generator):
    x, y = SAMPLES["distinct"]
    found = correlate([*x, math.nan, 3.0], [*y, 1.0, math.nan], generator=generator)
    assert (found.n, found.missing) == (6, 2)
    assert found.tau == pytest.approx(kendalltau(x, y).statistic)
    assert str(found).endswith("n = 6, 2 missing")


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0], {}, "at least 3 models or groups in which nothing is missing, got 2"),
        ([1.0, 2.0, math.nan], [1.0, 2.0, 3.0], {}, "at least 3 models or groups in which nothing is missing, got 2"),
        (
            [1.0, 2.0, 3.0],
            [1.0, 2.0, 3.0],
            {"groups": "aab"},
            "at least 3 models or groups in which nothing is missing, got 2",
        ),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], {}, r"sharpness is constant \(1.0\) over 3 models"),
        ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], {}, r"targets is constant \(2.0\)"),
        ([1.0, 2.0, 3.0], [1.0, 2.0], {}, "one value per model in every column, got 3 sharpness, 2 targets, 3 groups"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], {"groups": "ab"}, "got 3 sharpness, 3 targets, 2 groups"),
        ([1.0, 2.0, math.inf], [1.0, 2.0, 3.0], {}, "sharpness must be finite"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], {"confidence": 1.0}, "confidence must lie between 0 and 1"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], {"coefficient": "pearson"}, "must be one of 'kendall', 'spearman'"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], {"resamples": 0}, "resamples must be positive"),
    ],
)
def test_bad_input_is_refused(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        correlate(x, y, **options)


def test_what_data_leave_open_is_told_from_what_is_wrong():
    with pytest.raises(UndefinedStatisticError):
        correlate([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="confidence") as caught:
        correlate([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], confidence=2.0)
    assert not isinstance(caught.value, UndefinedStatisticError)
