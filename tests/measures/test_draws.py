import math

import pytest
import torch

from measures.draws import jackknife, standard_error


def test_jackknife_of_the_mean_is_its_standard_error(generator):
    samples = torch.randn(20, generator=generator, dtype=torch.float64)
    assert jackknife(lambda s: s.mean(dim=0), samples).item() == pytest.approx(standard_error(samples), rel=1e-12)
    assert standard_error(samples) == pytest.approx(samples.std().item() / math.sqrt(20))


def test_jackknife_of_a_ratio_is_that_of_its_linearization(generator):
    samples = 1.0 + 0.01 * torch.randn(2000, 2, generator=generator, dtype=torch.float64)
    error = jackknife(lambda s: s[:, 0].mean() / s[:, 1].mean(), samples)
    linear = (samples[:, 0] - samples[:, 1]).std() / math.sqrt(2000)
    assert error.item() == pytest.approx(linear.item(), rel=0.01)


def test_single_sample_has_no_error():
    assert standard_error(torch.ones(1)) is None
    assert jackknife(lambda s: s.mean(), torch.ones(1)) is None
