import pytest
import torch

from measures import compare_correlations, correlate


def test_difference_is_that_of_the_coefficients(generator):
    x, z, y = torch.randn(3, 20, generator=generator, dtype=torch.float64).tolist()
    for coefficient in ("kendall", "spearman"):
        apart = [correlate(m, y, coefficient=coefficient, resamples=10).value for m in (x, z)]
        found = compare_correlations(x, z, y, coefficient=coefficient, resamples=10)
        assert found.value == pytest.approx(apart[0] - apart[1], abs=1e-12)


def test_difference_comes_with_the_coefficients_that_it_is_of(generator):
    x, z, y = torch.randn(3, 20, generator=generator, dtype=torch.float64).tolist()
    found = compare_correlations(x, z, y, resamples=10)
    assert (found.first, found.second) == pytest.approx(tuple(correlate(m, y, resamples=10).value for m in (x, z)))


def test_strengths_are_compared_in_the_direction_of_each_measure(generator):
    x, z, y = torch.randn(3, 20, generator=generator, dtype=torch.float64)
    rising = [(m * correlate(m.tolist(), y.tolist(), resamples=1).value).tolist() for m in (x, z)]
    expected = compare_correlations(*rising, y.tolist(), generator=torch.Generator().manual_seed(0))
    for first, second in ((x, z), (-x, z), (x, -z)):
        found = compare_correlations(
            first.tolist(), second.tolist(), y.tolist(), strengths=True, generator=torch.Generator().manual_seed(0)
        )
        assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))
        assert found.value == pytest.approx(abs(found.first) - abs(found.second))


def test_measure_does_not_differ_from_itself(generator):
    x, y = torch.randn(2, 20, generator=generator, dtype=torch.float64).tolist()
    found = compare_correlations(x, [2 * v + 1 for v in x], y, resamples=50, generator=generator)
    assert (found.value, found.low, found.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-12)


def test_shared_models_tell_measures_apart_whose_intervals_overlap(generator):
    y = torch.randn(40, generator=generator, dtype=torch.float64)
    shared = y + torch.randn(40, generator=generator, dtype=torch.float64)
    worse = shared + 0.7 * torch.randn(40, generator=generator, dtype=torch.float64)
    first, second, gap = shared.tolist(), worse.tolist(), y.tolist()
    found = compare_correlations(first, second, gap, generator=generator)
    alone = [correlate(m, gap, generator=generator) for m in (first, second)]
    assert alone[1].high > alone[0].low
    assert found.high - found.low < 0.8 * sum(c.high - c.low for c in alone) / 2
    assert found.low <= found.value <= found.high


def test_models_that_one_measure_lacks_are_left_out_of_both():
    found = compare_correlations(
        [1.0, 2.0, 3.0, 4.0, float("nan")], [2.0, 1.0, 3.0, 4.0, 9.0], [1.0, 2.0, 3.0, 4.0, 0.0]
    )
    assert (found.n, found.missing) == (4, 1)
    assert found.value == pytest.approx(1 - 4 / 6)
