"""A pool from its grid to its page: trained, measured at both representatives, judged."""

from dataclasses import replace

import pytest

from experiments import measure_pool, report_pool, train_pool
from experiments.pool import Pool
from experiments.pool.measuring import Part, Plan
from experiments.pool.measuring.ball import RadiusGrid
from experiments.pool.measuring.rise import WorstCase
from experiments.report import read_json


def thin(effort: object) -> Plan:
    """Two geometries in place of four, and worst cases alone."""
    both = RadiusGrid(WorstCase(steps=3), ("adaptive", "geodesic"), (0.5, 1.0))
    moved = Part((replace(both, factors=(1.0,)),), representative="moved")
    return Plan("main", (Part((both,), samples=(0, 1)), moved), examples=8, batch=8)


@pytest.fixture(scope="module", params=[thin, pytest.param(measure_pool.PLANS["main"], marks=pytest.mark.slow)])
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    folder = tmp_path_factory.mktemp("pool")
    train_pool.main(replace(train_pool.QUICK, recipe="text", workers=1, output=folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(measure_pool.PLANS, "main", request.param)
        measure_pool.main(replace(measure_pool.QUICK, workers=1, pool=folder))
    report_pool.main(replace(report_pool.QUICK, pool=folder))
    return Pool(folder)


@pytest.fixture(scope="module")
def tables(pool: Pool):
    return read_json(pool.folder / "report" / "report.json")["plans"]["main"]["tables"]


def test_a_pool_of_twelve_models_becomes_a_page(pool: Pool) -> None:
    assert len(pool.trained) == 12
    text = (pool.folder / "report" / "report.html").read_text()
    assert "worst case, geodesic" in text


def test_measures_on_the_quotient_do_not_change_along_the_orbit_and_others_do(tables) -> None:
    largest = {row["measure"]: row["largest change"] for row in tables["invariance"]}
    assert largest["worst case, geodesic"] < 1e-6  # condition 30 in double precision
    assert largest["worst case, adaptive"] > 0.05


def test_what_does_not_change_keeps_its_tau(tables) -> None:
    kept = [row for row in tables["survival"] if row["measure"] == "worst case, geodesic"]
    assert kept
    assert all(row["after"] == pytest.approx(row["before"], abs=1e-3) for row in kept)


def test_geometries_are_compared_where_their_median_rises_are_equal(tables) -> None:
    at = {row["measure"]: row["at"] for row in tables["ranking"]}
    rises = {at[f"worst case, {geometry}"].split("rise ")[1] for geometry in ("adaptive", "geodesic")}
    assert len(rises) == 1


def test_baselines_are_where_they_should_be(tables) -> None:
    nested = {
        name: [row["nested"] for row in tables["ranking"] if row["measure"] == name] for name in ("oracle", "constant")
    }
    assert nested["oracle"] == pytest.approx([1.0] * len(nested["oracle"]))
    assert nested["constant"] == [0.0] * len(nested["oracle"])
