"""The laws of every factor of every declared group: an action, its inverse, its derivative, its dimension."""

import pytest
import torch

from symmetries import AbstractAbsorption, Gain, IsospectralCurve, Rescaling, trainable_parameters

CONDITION, SCALE = 10.0, 1.0
RTOL = 1e-11  # float64, products of a few matrices of condition number 10


@pytest.fixture
def params(case):
    return trainable_parameters(case.model)


@pytest.fixture
def factors(case):
    return case.symmetry.factors


def draw(factor, shapes, generator):
    return factor.random(shapes, generator=generator, condition=CONDITION, scale=SCALE)


def product(factor, g, h):
    """First h, then g, in the group of this factor."""
    if isinstance(factor, Gain | Rescaling):
        return g * h
    return g + h if isinstance(factor, AbstractAbsorption | IsospectralCurve) else g @ h


def identity(factor, shapes):
    return factor.exponential(torch.zeros_like(factor.random_algebra(shapes, generator=None)))


def flat(tangent, params):
    return torch.cat([tangent.get(name, torch.zeros_like(value)).flatten() for name, value in params.items()])


def assert_close(actual, expected, rtol=RTOL):
    assert actual.keys() == expected.keys()
    for name, value in actual.items():
        scale = expected[name].abs().max().item()
        torch.testing.assert_close(value, expected[name], rtol=0.0, atol=rtol * max(scale, 1.0))


def test_identity_acts_trivially(case, factors, params):
    for factor in factors:
        assert_close(factor.act(identity(factor, case.symmetry.shapes), params), params)


def test_action_of_a_product_is_the_product_of_actions(case, factors, params, generator):
    for factor in factors:
        g, h = (draw(factor, case.symmetry.shapes, generator) for _ in range(2))
        assert_close(factor.act(product(factor, g, h), params), factor.act(g, factor.act(h, params)))


def test_inverse_undoes_the_action(case, factors, params, generator):
    for factor in factors:
        g = draw(factor, case.symmetry.shapes, generator)
        assert_close(factor.act(factor.inverse(g), factor.act(g, params)), params)
        assert_close(factor.act(g, factor.act(factor.inverse(g), params)), params)


def test_infinitesimal_is_the_derivative_of_the_action(case, factors, params, generator):
    step = 1e-4
    for factor in factors:
        x = factor.random_algebra(case.symmetry.shapes, generator=generator)
        ahead, behind = (flat(factor.act(factor.exponential(t * x), params), params) for t in (step, -step))
        velocity = flat(factor.infinitesimal(x, params), params)
        # Central difference: an error of step^2 times the third derivative, and rounding over step.
        torch.testing.assert_close((ahead - behind) / (2 * step), velocity, rtol=1e-5, atol=1e-5)


def test_infinitesimal_is_linear(case, factors, params, generator):
    for factor in factors:
        x, y = (factor.random_algebra(case.symmetry.shapes, generator=generator) for _ in range(2))
        combined = flat(factor.infinitesimal(x + 2.5 * y, params), params)
        separate = flat(factor.infinitesimal(x, params), params) + 2.5 * flat(factor.infinitesimal(y, params), params)
        torch.testing.assert_close(combined, separate)


def test_dimension_is_the_rank_of_vertical_directions(case, factors, params, generator):
    for factor in factors:
        expected = factor.dimension(case.symmetry.shapes)
        draws = [factor.random_algebra(case.symmetry.shapes, generator=generator) for _ in range(expected + 4)]
        vertical = torch.stack([flat(factor.infinitesimal(x, params), params) for x in draws])
        assert torch.linalg.matrix_rank(vertical, rtol=1e-10) == expected, factor.name


def test_action_leaves_its_argument_and_shares_what_it_does_not_move(case, factors, params, generator):
    before = {name: value.clone() for name, value in params.items()}
    for factor in factors:
        moved = factor.act(draw(factor, case.symmetry.shapes, generator), params)
        for name, value in params.items():
            assert torch.equal(value, before[name])
            assert (moved[name] is value) == (name not in factor.parameters)


def test_action_and_velocity_keep_the_dtype(case, generator):
    params = trainable_parameters(case.model.float())
    for factor in case.symmetry.factors:
        moved = factor.act(draw(factor, case.symmetry.shapes, generator), params)
        velocity = factor.infinitesimal(factor.random_algebra(case.symmetry.shapes, generator=generator), params)
        assert {value.dtype for value in (*moved.values(), *velocity.values())} == {torch.float32}


def test_action_is_differentiable(case, factors, params, generator):
    leaves = {name: value.clone().requires_grad_() for name, value in params.items()}
    for factor in factors:
        moved = factor.act(draw(factor, case.symmetry.shapes, generator), leaves)
        total = sum(value.square().sum() for value in moved.values())
        assert all(g is not None for g in torch.autograd.grad(total, list(leaves.values())))


def test_random_elements_come_from_the_generator(case, factors):
    for factor in factors:
        same = [draw(factor, case.symmetry.shapes, torch.Generator().manual_seed(3)) for _ in range(2)]
        assert torch.equal(*same)


def test_section_is_one_point_of_each_orbit(case, factors, params, generator):
    for factor in factors:
        other = factor.act(draw(factor, case.symmetry.shapes, generator), params)
        if factor.section(params) is not None:
            canonical, same = (factor.act(factor.section(p), p) for p in (params, other))
            assert_close(same, canonical, rtol=1e-9)  # eigenvectors amplify rounding by one over their gaps


def test_section_of_a_pair_is_balanced(case, params):
    for pair in case.symmetry.pairs:
        g, h = pair.stack(pair.act(pair.section(params), params))
        gram = g.mH @ g
        torch.testing.assert_close(gram, h.mH @ h, rtol=0.0, atol=1e-10)
        off_diagonal = gram - torch.diag_embed(torch.diagonal(gram, 0, -2, -1))
        torch.testing.assert_close(off_diagonal, torch.zeros_like(gram), rtol=0.0, atol=1e-10)


def test_section_holds_the_means_of_its_pins(case, factors, params):
    for factor in factors:
        if isinstance(factor, AbstractAbsorption):
            canonical = factor.act(factor.section(params), params)
            for pin in factor.pins:
                means = pin.read(canonical).mean(1)
                if isinstance(factor, Gain):
                    torch.testing.assert_close(means, torch.ones_like(means))
                elif factor.family != "mean of readers" or factor.gain is None:  # with a gain: after it is moved to 1
                    torch.testing.assert_close(means, torch.zeros_like(means), atol=1e-12, rtol=0.0)


def test_action_in_place_is_the_action(case, factors, params, generator):
    for factor in factors:
        g = draw(factor, case.symmetry.shapes, generator)
        point = {name: value.clone() for name, value in params.items()}
        factor.act_(g, point)
        assert_close(point, factor.act(g, params), rtol=0.0)
