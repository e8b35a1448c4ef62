import pytest
import torch

from measures import measure
from quotient import Adaptive, Euclidean, Quotient

FEW = {"steps": 5, "samples": 4, "probes": 3, "lanczos_steps": 10}


def seeded():
    return torch.Generator().manual_seed(0)


def test_table_has_every_measure_over_every_geometry(classifier):
    loss, params = classifier()
    geometries = {"standard": Euclidean(), "adaptive": Adaptive()}
    table = measure(loss, params, geometries, radius={"standard": 0.05, "adaptive": 0.3}, generator=seeded(), **FEW)
    names = ["worst case", "average case", "gradient norm", "trace", "lambda max", "Rényi 0.5", "Rényi 1.5"]
    expected = [("loss", ""), ("parameter norm", ""), *((m, g) for g in geometries for m in names)]
    assert [(row.measure, row.geometry) for row in table.rows] == expected
    assert all(row.seconds > 0 for row in table.rows)
    assert all(row.stderr is not None for row in table.rows if row.measure in ("average case", "trace", "Rényi 0.5"))


def test_values_are_the_closed_forms_on_a_quadratic(quadratic, symmetric):
    matrix = symmetric(9.0, 4.0, 1.0)
    w = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)
    directions = {"standard": [{"w": row} for row in torch.eye(3, dtype=torch.float64)]}
    table = measure(
        quadratic(matrix), {"w": w}, {"standard": Euclidean()}, radius=0.1, directions=directions, generator=seeded()
    )
    assert table["loss", ""].value == pytest.approx((w @ matrix @ w / 2).item())
    assert table["parameter norm", ""].value == pytest.approx(6**0.5)
    assert table["gradient norm", "standard"].value == pytest.approx((matrix @ w).norm().item())
    assert table["trace", "standard"].value == pytest.approx(14.0)
    assert table["lambda max", "standard"].value == pytest.approx(9.0)


def test_same_generator_state_gives_the_same_table(classifier):
    loss, params = classifier()
    once, again = (measure(loss, params, {"a": Adaptive()}, radius=0.1, generator=seeded(), **FEW) for _ in range(2))
    assert set(once.ratio(again).values()) == {1.0}


def test_measures_on_the_quotient_belong_to_the_orbit_and_flat_ones_do_not(low_rank, generator):
    loss, params, symmetry = low_rank
    g = symmetry.random(generator, condition=1e3)
    geometries = {"quotient": Quotient(symmetry), "standard": Euclidean(), "adaptive": Adaptive()}
    directions = [geometries["quotient"].random(params, generator) for _ in range(4)]
    tables = []
    for p, carried in ((params, directions), (symmetry.act(g, params), [symmetry.act(g, u) for u in directions])):
        tables.append(
            measure(loss, p, geometries, radius=0.1, generator=seeded(), directions={"quotient": carried}, **FEW)
        )
    ratios = tables[1].ratio(tables[0])
    assert ratios["loss", ""] == pytest.approx(1.0, rel=1e-9)
    moved = [key for key, ratio in ratios.items() if abs(ratio - 1) > 1e-6]
    assert not [key for key in moved if key[1] == "quotient"]
    assert {("worst case", "standard"), ("worst case", "adaptive"), ("trace", "standard")} <= set(moved)


def test_without_a_radius_nothing_is_measured_on_balls_and_the_rest_stays(quadratic):
    loss, params = quadratic(torch.eye(2).double()), {"w": torch.ones(2, dtype=torch.float64)}
    table = measure(loss, params, {"a": Euclidean()}, radius=None, generator=seeded(), **FEW)
    whole = measure(loss, params, {"a": Euclidean()}, radius=0.1, generator=seeded(), **FEW)
    balls = {("worst case", "a"), ("average case", "a")}
    assert {(r.measure, r.geometry) for r in whole.rows} - {(r.measure, r.geometry) for r in table.rows} == balls
    assert table["gradient norm", "a"].value == whole["gradient norm", "a"].value


@pytest.mark.parametrize(
    ("geometries", "radius", "message"),
    [
        ({}, 1.0, "at least one geometry by name"),
        ({"a": Euclidean(), "b": Euclidean()}, {"a": 1.0}, r"a radius for every geometry, got none for \['b'\]"),
        ({"a": Euclidean()}, 0.0, "radius must be positive"),
        ({"a": Euclidean(), "b": Euclidean()}, {"a": 1.0, "b": -1.0}, "radius must be positive and finite, got -1.0"),
    ],
)
def test_radii_must_be_given_and_positive(quadratic, geometries, radius, message):
    w = {"w": torch.ones(2, dtype=torch.float64)}
    with pytest.raises(ValueError, match=message):
        measure(quadratic(torch.eye(2).double()), w, geometries, radius=radius)
