import pytest

from experiments.pool.measuring.derivatives import Derivatives
from measures import Literature, measure


@pytest.fixture
def readings(preparation):
    part = Derivatives(
        ("adaptive", "geodesic"), orders=(0.5, 2.0), probes=1, steps=3, published=("geodesic",), samples=2
    )
    return list(part.readings(preparation.subject(), lambda rise, geometry: pytest.fail("no radius is needed")))


@pytest.mark.parametrize(("geometry", "literature"), [("geodesic", Literature()), ("adaptive", None)])
def test_the_numbers_are_those_of_the_table_of_measures(preparation, readings, geometry, literature):
    subject = preparation.subject()
    table = measure(
        subject.loss(),
        subject.params,
        {geometry: subject.geometry(geometry)},
        radius=None,
        samples=2,
        probes=1,
        lanczos_steps=3,
        alphas=(0.5, 2.0),
        literature=literature,
        generator=subject.generator(),
    )
    found = [r.row.value for r in readings if r.row.geometry == geometry]
    assert found == [row.value for row in table.rows if row.geometry]


def test_what_needs_no_geometry_is_told_once(readings):
    names = [r.row.measure for r in readings if not r.row.geometry]
    assert names == ["loss", "parameter norm", "Fisher-Rao norm", "log Frobenius norms", "log spectral norms"]


def test_orders_of_renyi_sharpness_are_settings(readings):
    found = [(r.row.geometry, r.setting) for r in readings if r.row.measure == "Rényi"]
    assert found == [(g, f"alpha={a}") for g in ("geodesic", "adaptive") for a in ("0.5", "2")]
