from collections import Counter

import pytest

from experiments.pool import Pool
from experiments.pool.measuring import PLANS, QUICK, Effort
from experiments.pool.measuring.geometries import COMPARED, GEOMETRIES
from experiments.pool.measuring.preparation import Preparation
from tests.experiments.pool.measuring.conftest import TASK

KEYS = ("measure", "geometry", "radius", "setting", "sample", "representative")


def records(plan, preparation):
    for part in plan.parts:
        for sample in part.samples:
            for measurement in part.measurements:
                subject = preparation.subject(sample, part.representative)
                for reading in measurement.readings(subject, lambda rise, geometry: 0.2):
                    yield reading.record("model", sample, part.representative)


@pytest.fixture(scope="module")
def measured(made):
    """All plans on one model."""
    plans = {name: plan(QUICK) for name, plan in PLANS.items()}
    first = Pool(made).trained[0]
    return {name: list(records(plan, Preparation(TASK, first, plan))) for name, plan in plans.items()}


@pytest.mark.parametrize("name", PLANS)
def test_no_number_is_measured_twice(name, measured):
    keys = Counter(tuple(r[key] for key in KEYS) for r in measured[name])
    assert keys
    assert set(keys.values()) == {1}


def test_quotient_measures_do_not_move_with_the_weights_and_the_others_do(measured):
    known = (r for r in measured["main"] if r["sample"] == 0 and r["representative"] == "trained")
    trained = {tuple(r[k] for k in KEYS[:4]): r["value"] for r in known}
    changes = {name: [] for name in COMPARED}
    for r in measured["rescaled-pool"]:
        before = trained[tuple(r[k] for k in KEYS[:4])]  # all of them are measured by the main plan too
        if r["geometry"]:
            changes[r["geometry"]].append(abs(r["value"] / before - 1.0))
    assert max(changes["geodesic"] + changes["geodesic mixed"]) < 1e-6  # rounding, through a condition of 30
    assert min(changes["standard"] + changes["adaptive"]) > 1e-3


def test_the_thin_plan_is_a_part_of_the_main_one(measured):
    thin, main = ({tuple(r[k] for k in KEYS): r["value"] for r in measured[name]} for name in ("thin", "main"))
    shared = {key for key in thin if key in main}
    assert {key[1] for key in shared} == {"adaptive", "geodesic", "geodesic mixed"}
    assert {key: thin[key] for key in shared} == pytest.approx({key: main[key] for key in shared}, rel=1e-12)


@pytest.mark.gpu
def test_measures_on_an_accelerator_are_those_on_the_cpu(made, measured):
    plan = PLANS["thin"](QUICK)
    there = list(records(plan, Preparation(TASK, Pool(made).trained[0], plan, "cuda")))
    expected = [r["value"] for r in measured["thin"]]
    assert [r["value"] for r in there] == pytest.approx(expected, rel=1e-6)  # double precision, in another order


def test_the_ablation_has_every_geometry_and_each_is_another_one(measured):
    values = {r["geometry"]: r["value"] for r in measured["ablation"] if r["radius"] == 0.4}
    assert values.keys() == GEOMETRIES.keys()
    assert len(set(values.values())) == len(values)


def test_units_are_asked_for_once():
    asked = list(PLANS["main"](Effort()).calibrated())
    assert len(asked) == len(set(asked))
    assert {geometry for _, geometry in asked} == set(COMPARED)
