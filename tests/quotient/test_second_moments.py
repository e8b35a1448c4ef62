"""Second moments of coordinates: what an adaptive step may remember."""

import pytest
import torch

from quotient import AbstractChart, Adaptive, Coordinates, Euclidean, Mixed, Quotient, Taylor
from symmetries import Covector
from tests.quotient.cases import GROUPS, SHAPES, parameters

GEOMETRIES = {
    "invariant": lambda symmetry: Quotient(symmetry),
    "mixed": lambda symmetry: Quotient(symmetry, metric=Mixed(), geodesic=Taylor(2), rest="tensorwise"),
}


def moments(chart: AbstractChart, covector: Covector) -> Coordinates:
    return chart.second_moments(chart.project(chart.components(covector)))


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("metric", GEOMETRIES)
def test_they_belong_to_the_orbit(name, metric, generator):
    symmetry = GROUPS[name]()
    geometry = GEOMETRIES[metric](symmetry)
    here = parameters(generator)
    g = symmetry.random(generator, condition=10.0)
    there = symmetry.act(g, here)
    at_here = {n: torch.randn(s, generator=generator, dtype=torch.float64) for n, s in SHAPES.items()}
    (at_there,) = torch.func.vjp(lambda p: symmetry.undo(g, p), there)[1](at_here)
    one, other = moments(geometry.chart(here), at_here), moments(geometry.chart(there), at_there)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)  # through changes of basis of condition 10


@pytest.mark.parametrize("name", GROUPS)
def test_they_broadcast_against_coordinates(name, generator):
    chart = Quotient(GROUPS[name]()).chart(parameters(generator))
    x = chart.random(generator)
    for a, s in zip(x, chart.second_moments(x), strict=True):
        assert (a / s.sqrt()).shape == a.shape


def test_in_flat_geometries_they_are_squares_in_units_of_the_parameters(generator):
    point = {"w": torch.randn(3, 4, generator=generator)}
    x = (torch.randn(3, 4, generator=generator),)
    for geometry, shared in (
        (Euclidean(), 1),
        (Adaptive(), 1),
        (Adaptive("tensorwise"), 12),
        (Adaptive("filterwise"), 4),
    ):
        (squares,) = geometry.chart(point).second_moments(x)
        torch.testing.assert_close(squares, shared * x[0].square())
