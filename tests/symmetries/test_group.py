"""GL(h): random elements of a given condition number, and the action on factor pairs."""

import pytest
import torch

from symmetries import GeneralLinear

GROUPS = [
    GeneralLinear(1),
    GeneralLinear(1, positive=True),
    GeneralLinear(1, "complex"),
    GeneralLinear(3),
    GeneralLinear(3, positive=True),
    GeneralLinear(3, "complex"),
]


@pytest.fixture(params=GROUPS, ids=str)
def group(request):
    return request.param


@pytest.mark.parametrize("condition", [1.0, 10.0, 1e3])
def test_random_elements_have_the_condition_number(group, condition, generator):
    element = group.random(20, generator=generator, condition=condition, scale=2.0)
    values = torch.linalg.svdvals(element)
    assert element.shape == (20, group.h, group.h)
    assert element.dtype == group.dtype
    assert values.max() <= 2 * condition**0.5 * (1 + 1e-12)
    assert values.min() >= 2 * condition**-0.5 * (1 - 1e-12)
    if group.h > 1:
        torch.testing.assert_close(values[:, 0] / values[:, -1], torch.full((20,), condition, dtype=torch.float64))


def test_random_elements_reach_every_component_of_the_group(group, generator):
    determinants = torch.linalg.det(group.random(200, generator=generator))
    if group.field == "complex":
        quadrants = {(z.real > 0, z.imag > 0) for z in determinants.tolist() for z in [complex(z)]}
        assert len(quadrants) == 4
    else:
        assert bool((determinants > 0).any())
        assert bool((determinants < 0).any()) != group.positive


def test_action_keeps_the_product(group, generator):
    g, h = (torch.randn(4, n, group.h, generator=generator, dtype=group.dtype) for n in (5, 6))
    moved, dual = group.act(group.random(4, generator=generator), g, h)
    torch.testing.assert_close(moved @ dual.mH, g @ h.mH)


def test_infinitesimal_keeps_the_product_to_first_order(group, generator):
    g, h = (torch.randn(4, n, group.h, generator=generator, dtype=group.dtype) for n in (5, 6))
    u, v = group.infinitesimal(group.random_algebra(4, generator=generator), g, h)
    change = u @ h.mH + g @ v.mH
    torch.testing.assert_close(change, torch.zeros_like(change), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize(("group", "dimension"), list(zip(GROUPS, [1, 1, 2, 9, 9, 18], strict=True)), ids=str)
def test_dimension_is_real(group, dimension):
    assert group.dimension == dimension


def test_inverse_is_taken_in_double_precision_for_single_precision_factors(generator):
    group = GeneralLinear(4)
    g, h = (torch.randn(1, 8, 4, generator=generator) for _ in range(2))
    moved, dual = group.act(group.random(1, generator=generator, condition=1e3), g, h)
    assert moved.dtype == dual.dtype == torch.float32
    error = (moved @ dual.mH - g @ h.mH).abs().max() / (g @ h.mH).abs().max()
    assert error < 1e-3  # unit roundoff 6e-8 times the condition number, and a margin


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "h >= 1, got h=0"),
        ((2, "quaternion"), "'real' or 'complex', got 'quaternion'"),
        ((2, "complex", True), "positive=True has a meaning over the reals only"),
    ],
)
def test_impossible_group_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        GeneralLinear(*arguments)


@pytest.mark.parametrize("condition", [0.5, float("nan")])
def test_impossible_condition_number_is_an_error(condition):
    with pytest.raises(ValueError, match="condition number is at least 1"):
        GeneralLinear(2).random(1, condition=condition)
