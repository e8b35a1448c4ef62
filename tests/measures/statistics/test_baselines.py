import math

import pytest
import torch

from measures import baselines, correlate, granulated

TARGETS = [0.1, 0.5, 0.3, 0.2, 0.9, 0.4]


def test_oracle_is_right_everywhere_and_a_constant_nowhere(generator):
    found = baselines(TARGETS, {}, generator=generator)
    table = {"rate": list(range(6))}
    assert granulated(found["oracle"], TARGETS, table).value == 1.0
    assert granulated(found["constant"], TARGETS, table).value == 0.0


def test_noisy_oracle_is_as_far_off_as_was_asked(generator):
    target = torch.randn(4000, generator=generator, dtype=torch.float64)
    found = baselines(target.tolist(), {}, noise=0.5, generator=generator)
    error = torch.tensor(found["noisy oracle"], dtype=torch.float64) - target
    assert (error.std() / target.std()).item() == pytest.approx(0.5, rel=0.05)  # 4 standard errors of 1.1 %
    assert baselines(TARGETS, {}, noise=0.0)["noisy oracle"] == TARGETS


def test_intervals_of_noise_cover_zero_as_often_as_they_say(generator):
    hits = 0
    for _ in range(100):
        target = torch.randn(30, generator=generator, dtype=torch.float64).tolist()
        noise = baselines(target, {}, generator=generator)["noise"]
        found = correlate(noise, target, resamples=200, generator=generator)
        hits += found.low <= 0 <= found.high
    assert hits >= 87  # 95 % promised; 4 standard deviations of the count below


def test_what_is_known_is_handed_through():
    found = baselines([*TARGETS, math.nan], {"rate": range(7)})
    assert found["rate"] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert math.isnan(found["noisy oracle"][6])
    assert not any(math.isnan(v) for v in found["noisy oracle"][:6])


@pytest.mark.parametrize(
    ("known", "options", "message"),
    [
        ({"noise": TARGETS}, {}, "noise is the name of a baseline"),
        ({"rate": [1.0]}, {}, "expected 6 known numbers"),
        ({}, {"noise": -1.0}, "must not be negative, got -1.0"),
    ],
)
def test_bad_input_is_refused(known, options, message):
    with pytest.raises(ValueError, match=message):
        baselines(TARGETS, known, **options)
