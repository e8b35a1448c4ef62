import itertools
import math

import pytest
import torch
from scipy.stats import kendalltau, norm

from measures import correlate
from measures.correlation import bootstrapped

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


def test_bootstrap_draws_have_the_tau_of_the_resampled_models():
    x, y = (torch.tensor(v, dtype=torch.float64) for v in SAMPLES["ties in one"])
    blocks = [torch.tensor([i]) for i in range(6)]
    taus = bootstrapped(x, y, blocks, 50, torch.Generator().manual_seed(5))
    generator, expected = torch.Generator().manual_seed(5), []
    for _ in range(50):
        chosen = torch.randint(6, (6,), generator=generator)
        expected.append(kendalltau(x[chosen].numpy(), y[chosen].numpy()).statistic)
    expected = torch.tensor([t for t in expected if not math.isnan(t)], dtype=torch.float64)
    torch.testing.assert_close(taus, expected)


def test_interval_covers_the_truth_as_often_as_it_says(generator):
    truth = 2 / math.pi * math.asin(0.6)  # tau of a bivariate normal of correlation 0.6
    hits = 0
    for _ in range(100):
        z = torch.randn(2, 60, generator=generator, dtype=torch.float64)
        x, y = z[0], 0.6 * z[0] + 0.8 * z[1]
        found = correlate(x.tolist(), y.tolist(), resamples=200, generator=generator)
        hits += found.low <= truth <= found.high
    assert hits >= 87  # 95 % promised; 4 standard deviations of the count below


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
        ([1.0, 2.0], [1.0, 2.0], {}, "at least 3 models or groups without NaN, got 2"),
        ([1.0, 2.0, math.nan], [1.0, 2.0, 3.0], {}, "at least 3 models or groups without NaN, got 2"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], {"groups": "aab"}, "at least 3 models or groups without NaN, got 2"),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], {}, r"sharpness is constant \(1.0\) over 3 models"),
        ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], {}, r"targets is constant \(2.0\)"),
        ([1.0, 2.0, 3.0], [1.0, 2.0], {}, "one value per model, got lengths 3, 2 and 3 groups"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], {"groups": "ab"}, "got lengths 3, 3 and 2 groups"),
        ([1.0, 2.0, math.inf], [1.0, 2.0, 3.0], {}, "sharpness must be finite"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], {"confidence": 1.0}, "confidence must lie between 0 and 1"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], {"resamples": 0}, "resamples must be positive"),
    ],
)
def test_bad_input_is_refused(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        correlate(x, y, **options)


def test_resamples_without_a_tau_are_refused():
    values = torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64)
    block = [torch.tensor([0]), torch.tensor([1])]
    with pytest.raises(ValueError, match="no tau is defined in 5 resamples"):
        bootstrapped(values, values, block, 5, torch.Generator().manual_seed(0))
