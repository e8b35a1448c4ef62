"""Pictures of a transformer at two representatives, and of raw parameters as the counter-test."""

from functools import cache

import pytest
import torch
from torch.nn import functional as F

from experiments.landscape.directions import DIRECTIONS, filter_normalized
from experiments.landscape.scene import Scene, View
from experiments.models import ViT, ViTConfig, generic_
from measures import EmpiricalLoss
from quotient import Quotient, flattened
from symmetries import Params, detect, distance, trainable_parameters

CONDITION = 100.0

#: How far the second model lies on the way to another one: a geodesic between neighbours is found in seconds.
NEIGHBOUR = 0.1


@cache
def scenes() -> tuple[Scene, Scene]:
    """Two transformers with generic weights, near each other, and both at other points of their orbits."""
    generator = torch.Generator().manual_seed(0)
    networks = [ViT(ViTConfig(dim=8, depth=1, hidden=8), generator).double().eval() for _ in range(2)]
    for network in networks:
        generic_(network, generator)
    images = torch.randn(8, 1, 8, 8, generator=generator, dtype=torch.float64)
    batch = images, torch.randint(10, (8,), generator=generator)
    loss = EmpiricalLoss(networks[0], lambda f, b: F.cross_entropy(f(b[0]), b[1]), [batch])
    symmetry = detect(networks[0])
    origin, other = (trainable_parameters(network) for network in networks)
    models = [origin, {name: torch.lerp(p, other[name], NEIGHBOUR) for name, p in origin.items()}]
    moved = [symmetry.act(symmetry.random(generator, CONDITION), params) for params in models]
    first, second = (Scene(loss, Quotient(symmetry, rest="tensorwise"), m, 0.5, seed=0) for m in (models, moved))
    return first, second


@cache
def between() -> tuple[View, ...]:
    """The sections through both, at both choices of representatives."""
    # A small residual: the velocity is then that of the two orbits, whichever way rounding led the search.
    return tuple(scene.between(tolerance=1e-8, steps=100) for scene in scenes())


def losses(view: View) -> torch.Tensor:
    a, b = view.grid(3)
    return torch.tensor(view.section.values(scenes()[0].loss, a, b, "test"), dtype=torch.float64)


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_sections_along_geodesics_are_the_same_for_every_representative(directions: str) -> None:
    here, there = (losses(scene.around(directions)) for scene in scenes())
    torch.testing.assert_close(here, there, rtol=1e-6, atol=0)
    assert here.std() > 1e-3  # there is something to be seen


def test_filter_normalised_pictures_change() -> None:
    here, there = (losses(scene.raw_around()) for scene in scenes())
    assert ((there - here).abs() / here).max() > 0.05


def test_sections_between_models_are_the_same_for_every_representative() -> None:
    views = between()
    assert all(view.arrival[0].residual < 1e-6 for view in views)
    torch.testing.assert_close(*(losses(view) for view in views), rtol=1e-6, atol=0)
    torch.testing.assert_close(*(torch.tensor(view.marks[1]) for view in views), rtol=1e-6, atol=1e-6)


def test_straight_lines_between_parameters_change() -> None:
    here, there = (losses(scene.raw_between()) for scene in scenes())
    assert ((there - here).abs() / here).max() > 0.05


def test_raw_sections_pass_through_the_models() -> None:
    scene = scenes()[0]
    view = scene.raw_between()
    for mark, params in zip(view.marks, scene.models, strict=True):
        torch.testing.assert_close(view.section.point(*mark), dict(params))


def test_sections_between_models_start_at_the_first_and_arrive_at_the_second() -> None:
    scene, view = scenes()[0], between()[0]
    symmetry, (first, second) = scene.geometry.symmetry, scene.models
    origin, end = (view.section.point(*mark) for mark in view.marks)
    assert distance(symmetry, origin, first).relative < 1e-9
    assert distance(symmetry, end, second).value < 1e-4 * distance(symmetry, first, second).value


def test_models_lie_within_the_frame() -> None:
    for view in (scenes()[0].between(tolerance=0.1, steps=1), scenes()[0].raw_between()):
        for a, b in view.marks:
            assert view.a[0] < a < view.a[1]
            assert view.b[0] < b < view.b[1]


def test_filters_have_the_length_of_the_models_and_biases_stay(generator: torch.Generator) -> None:
    params: Params = {"w": torch.randn(3, 4, generator=generator), "b": torch.ones(3)}
    section = filter_normalized(params, generator)
    direction = section.chart.vector(section.axes[0])
    torch.testing.assert_close(direction["w"].norm(dim=1), params["w"].norm(dim=1))
    assert not direction["b"].any()


def test_eigenvectors_point_upward() -> None:
    scene = scenes()[0]
    section = scene.around("eigenvectors").section
    slopes = section.chart.components(scene.loss.gradient(section.chart.point))
    assert all((flattened(slopes) @ flattened(axis)).item() >= -1e-12 for axis in section.axes)
