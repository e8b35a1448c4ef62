from statistics import median

import pytest

from experiments.pool.measuring import PLANS, QUICK, Calibration
from experiments.pool.measuring.calibration import spread
from experiments.pool.measuring.preparation import Preparation
from experiments.pool.measuring.rise import WorstCase
from experiments.report import read_json
from experiments.work import Here, run
from tests.experiments.pool.measuring.conftest import TASK

WORST = WorstCase(steps=3)


def test_the_unit_is_the_median_of_radii_at_which_the_loss_rises_by_one_half(pool):
    job = Calibration(TASK, pool, PLANS["main"](QUICK), WORST, "adaptive")
    run([job], Here(), label="radii")
    radii = read_json(job.result)["models"]
    assert radii.keys() == {member.id for member in pool.trained}
    assert job.unit() == median(radii.values())
    first = pool.trained[0]
    rise = WORST.at(Preparation(TASK, first, PLANS["main"](QUICK)).subject(), "adaptive", radii[first.id]).value
    assert rise == pytest.approx(0.5, rel=0.3)  # the radius is found to one part in ten


def test_without_a_unit_the_reason_is_told(pool):
    job = Calibration(TASK, pool, PLANS["main"](QUICK), WORST, "hyperbolic")
    run([job], Here(), label="radii")
    with pytest.raises(ValueError, match="no unit radius of worst case, hyperbolic: KeyError"):
        job.unit()


def test_few_members_are_spread_over_the_pool():
    assert list(spread(list("abc"))) == ["a", "b", "c"]
    assert list(spread(list(range(72)))) == [0, 14, 28, 42, 56]
