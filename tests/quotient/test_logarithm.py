"""The geodesic from one model to another."""

import pytest
import torch

from quotient import Quotient, length, logarithm, scaled
from symmetries import Params, distance
from tests.quotient.cases import CHAIN, GROUPS, QUERY_KEY, SINGLE, group, parameters

NAMES = ("query-key", "rotary", "columns side by side", "single rescaling", "absorptions")


def shot(geometry: Quotient, params: Params, generator: torch.Generator, size: float) -> tuple[Params, float]:
    """The end of a random geodesic, anywhere on its orbit, and the length of that geodesic."""
    chart = geometry.chart(geometry.representative(params))
    x = chart.random(generator)
    x = scaled(x, size / length(x))
    symmetry = geometry.symmetry
    return symmetry.act(symmetry.random(generator, 100.0), chart.exp(x)), size


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_inverse_of_the_exponential_map(name: str, generator: torch.Generator) -> None:
    geometry = Quotient(GROUPS[name](), rest="tensorwise")
    params = parameters(generator)
    target, size = shot(geometry, params, generator, 0.5)
    found = logarithm(geometry, params, target)
    assert found.residual < 1e-8
    # The exponential map is one to one on this ball; the residual is relative to a distance of about the same size.
    assert length(found.coordinates).item() == pytest.approx(size, rel=1e-6)
    end = geometry.chart(geometry.representative(params)).exp(found.coordinates)
    assert distance(geometry.symmetry, end, target).relative < 1e-6


def test_it_does_not_depend_on_the_points_of_the_two_orbits(generator: torch.Generator) -> None:
    names = SINGLE.parameters
    symmetry = group(SINGLE).restricted(sorted(names))
    geometry = Quotient(symmetry, rest="tensorwise")
    a, b = ({name: p for name, p in parameters(generator).items() if name in names} for _ in range(2))
    found = logarithm(geometry, a, b, tolerance=1e-8)
    moved = logarithm(geometry, *(symmetry.act(symmetry.random(generator, 100.0), p) for p in (a, b)), tolerance=1e-8)
    for x, y in zip(found.coordinates, moved.coordinates, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-6, atol=1e-6)


def test_models_that_are_far_apart_are_joined_too(generator: torch.Generator) -> None:
    names = QUERY_KEY.parameters
    a, b = ({name: p for name, p in parameters(generator).items() if name in names} for _ in range(2))
    found = logarithm(Quotient(group(QUERY_KEY).restricted(sorted(names))), a, b)
    assert found.residual < 1e-8
    assert length(found.coordinates) > 1.0


def test_to_its_own_orbit_it_is_zero(generator: torch.Generator) -> None:
    geometry = Quotient(GROUPS["query-key"]())
    a = parameters(generator)
    found = logarithm(geometry, a, geometry.symmetry.act(geometry.symmetry.random(generator), a))
    assert length(found.coordinates) < 1e-9


def test_too_few_evaluations_are_told_by_the_residual(generator: torch.Generator) -> None:
    names = QUERY_KEY.parameters  # nothing outside, which would be exact at once
    a, b = ({name: p for name, p in parameters(generator).items() if name in names} for _ in range(2))
    found = logarithm(Quotient(group(QUERY_KEY).restricted(sorted(names))), a, b, max_steps=1)
    assert found.residual > 0.1


def test_pairs_that_share_weights_are_refused(generator: torch.Generator) -> None:
    params = parameters(generator)
    with pytest.raises(ValueError, match="share weights"):
        logarithm(Quotient(group(*CHAIN)), params, params)
    with pytest.raises(ValueError, match="tolerance"):
        logarithm(Quotient(group(*CHAIN[:1])), params, params, tolerance=0.0)
