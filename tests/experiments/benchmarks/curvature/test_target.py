import math

import pytest
import torch

from experiments.benchmarks.curvature.competitors import Density
from experiments.benchmarks.curvature.target import TARGETS
from experiments.benchmarks.curvature.truth import Truth
from measures import Estimate

TRUTH = Truth((4.0, -3.0, *[1.0] * 8), trace=9.0, trace_stderr=0.0, nodes=(-1.0, 1.0), weights=(0.5, 0.5))


class Improving:
    """Comes nearer to the truth with every effort."""

    eigenvalue_efforts = trace_efforts = tuple(range(1, 20))

    def eigenvalues(self, count, effort, *, tolerance, seed):
        return torch.tensor(TRUTH.eigenvalues, dtype=torch.float64) * (1 + 0.9 * 10.0**-effort), None

    def trace(self, effort, *, rtol, seed):
        return Estimate(9.5, 9.5 / effort**2, products=effort)

    def density(self, probes, steps, *, seed):
        return Density(torch.tensor([-1.0, 1.0]), torch.tensor([0.5 - 0.1 / steps, 0.5 + 0.1 / steps]), probes * steps)


@pytest.mark.parametrize(("name", "effort"), [("eigenvalues", 4), ("trace", 10), ("density", 215)])
def test_the_smallest_effort_that_reaches_the_target_is_found(name, effort):
    attempts = []
    TARGETS[name].attempts(Improving(), TRUTH, seed=0, report=attempts.append)
    reached = [attempt for attempt in attempts if attempt.reached]
    best = min(attempt.effort for attempt in reached)
    ladder = TARGETS[name].efforts(Improving())
    assert best == min(e for e in ladder if e >= effort)
    assert all(attempt.seconds >= 0 and math.isfinite(attempt.error) for attempt in attempts)


def test_a_trace_is_judged_by_its_own_error_and_reported_with_the_true_one():
    attempts = []
    TARGETS["trace"].attempts(Improving(), TRUTH, seed=0, report=attempts.append)
    assert all(attempt.error == pytest.approx(0.5 / 9.0) for attempt in attempts)
