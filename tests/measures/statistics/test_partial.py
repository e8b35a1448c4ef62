import math

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr, rankdata, spearmanr

from measures import UndefinedStatisticError, correlate, partial_correlation


def columns(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def residual(values, covariates):
    design = np.column_stack([np.ones(len(values)), *(rankdata(c) for c in covariates)])
    ranks = rankdata(values)
    return ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]


def test_it_is_the_correlation_of_residuals_of_ranks(generator):
    x, y, a, b = columns(generator, 4, 25).round(decimals=1).tolist()  # with ties
    found = partial_correlation(x, y, {"a": a, "b": b}, resamples=20, generator=generator)
    assert found.value == pytest.approx(pearsonr(residual(x, [a, b]), residual(y, [a, b])).statistic, abs=1e-12)
    assert found.symbol == "partial rho"


def test_one_covariate_gives_the_recursion_formula(generator):
    x, y, z = columns(generator, 3, 25).tolist()
    xy, xz, yz = (spearmanr(*pair).statistic for pair in ((x, y), (x, z), (y, z)))
    expected = (xy - xz * yz) / math.sqrt((1 - xz**2) * (1 - yz**2))
    assert partial_correlation(x, y, {"z": z}, resamples=20).value == pytest.approx(expected, abs=1e-12)


def test_without_covariates_it_is_spearman(generator):
    x, y = columns(generator, 2, 25).tolist()
    plain = correlate(x, y, coefficient="spearman", resamples=20)
    found = partial_correlation(x, y, {}, resamples=20)
    assert (found.value, found.p_value) == pytest.approx((plain.value, plain.p_value), rel=1e-9)


def test_confounded_measure_loses_its_correlation_and_a_predictive_one_keeps_it(generator):
    rate, own, noise = columns(generator, 3, 400)
    gap = (rate + own).tolist()
    confounded, predictive = (rate + noise).tolist(), (rate + own + noise).tolist()
    held = {"learning rate": rate.tolist()}
    options = {"resamples": 200, "generator": generator}
    assert correlate(confounded, gap, **options).low > 0.2
    left = partial_correlation(confounded, gap, held, **options)
    assert left.low < 0 < left.high
    assert abs(left.value) < 0.1  # two standard errors of n = 400
    assert partial_correlation(predictive, gap, held, **options).low > 0.5


def test_covariates_that_hold_nothing_further_change_nothing(generator):
    x, y, z = columns(generator, 3, 25).tolist()
    once = partial_correlation(x, y, {"z": z}, resamples=20)
    more = partial_correlation(x, y, {"z": z, "again": [-v for v in z], "constant": [1.0] * 25}, resamples=20)
    assert (more.value, more.p_value) == pytest.approx((once.value, once.p_value), rel=1e-9)


def test_measure_that_the_covariates_explain_is_refused(generator):
    x, y = columns(generator, 2, 25).tolist()
    with pytest.raises(UndefinedStatisticError, match="z explain the ranks of sharpness or targets wholly"):
        partial_correlation(x, y, {"z": [math.exp(v) for v in x]})
    with pytest.raises(UndefinedStatisticError, match="hold fewer fixed"):
        partial_correlation([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], {"z": [3.0, 1.0, 2.0]})


def test_models_without_a_covariate_are_left_out(generator):
    x, y, z = columns(generator, 3, 25).tolist()
    found = partial_correlation(x, y, {"z": [math.nan, *z[1:]]}, resamples=20)
    assert (found.n, found.missing) == (24, 1)
    assert found.value == partial_correlation(x[1:], y[1:], {"z": z[1:]}, resamples=20).value
