"""The group of a whole model: products of factors, canonical representatives, components, the table of dimensions."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from symmetries import (
    AbstractAbsorption,
    ModelSymmetry,
    Rotation,
    SymmetryError,
    declare,
    query_key,
    relu_rescaling,
    trainable_parameters,
    value_output,
)

RTOL = 1e-10  # float64, a product of up to a dozen factors of condition number 10


@pytest.fixture
def params(case):
    return trainable_parameters(case.model)


def outputs(case, params):
    output = functional_call(case.model, params, case.inputs)
    joined = torch.cat([value.flatten() for value in (output if isinstance(output, tuple) else (output,))])
    return joined if case.head == "raw" else output.log_softmax(-1).flatten()


def assert_close(actual, expected, rtol=RTOL):
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=0.0, atol=rtol * max(value.abs().max().item(), 1.0))


def test_undo_is_the_inverse_of_act(case, params, generator):
    symmetry = case.symmetry
    g = symmetry.random(generator, factors=symmetry.factors)
    assert_close(symmetry.undo(g, symmetry.act(g, params)), params)


def test_infinitesimal_is_the_derivative_of_the_exponential(case, params, generator):
    symmetry, step = case.symmetry, 1e-5
    x = symmetry.random_algebra(generator)
    ahead, behind = (
        symmetry.act(symmetry.exponential({name: t * value for name, value in x.items()}), params)
        for t in (step, -step)
    )
    velocity = symmetry.infinitesimal(x, params)
    assert velocity.keys() == params.keys()
    for name in params:
        difference = (ahead[name] - behind[name]) / (2 * step)
        torch.testing.assert_close(difference, velocity[name], rtol=1e-6, atol=1e-6)


def test_canonical_representative_is_the_same_function(case, params):
    canonical = case.symmetry.canonical(params)
    torch.testing.assert_close(outputs(case, canonical), outputs(case, params), rtol=1e-9, atol=1e-9)


def test_absorptions_are_on_their_section_together(case, params, generator):
    """One section after the other leaves all of them fulfilled, from every point of the orbit."""
    symmetry = case.symmetry
    for point in (params, symmetry.act(symmetry.random(generator), params)):
        canonical = symmetry.canonical(point)
        for factor in symmetry.absorptions:
            assert_close(factor.act(factor.section(canonical), canonical), canonical, rtol=1e-9)


def test_section_without_balance_is_one_point_for_the_orbit_of_the_absorptions(case, params, generator):
    symmetry = case.symmetry
    g = symmetry.random(generator, factors=symmetry.absorptions)
    first, second = (
        symmetry.act(symmetry.section(point, balance="none"), point) for point in (params, symmetry.act(g, params))
    )
    assert_close(second, first, rtol=1e-9)


def test_canonical_representative_is_one_point_of_the_orbit(case, params, generator):
    symmetry = case.symmetry
    g = symmetry.random(generator, factors=(*symmetry.absorptions, *symmetry.pairs))
    assert_close(symmetry.canonical(symmetry.act(g, params)), symmetry.canonical(params), rtol=1e-8)


def test_dimension_is_the_rank_of_vertical_directions(case, params, generator):
    symmetry = case.symmetry
    directions = [
        symmetry.infinitesimal(symmetry.random_algebra(generator), params) for _ in range(symmetry.dimension + 4)
    ]
    vertical = torch.stack([torch.cat([value.flatten() for value in v.values()]) for v in directions])
    assert torch.linalg.matrix_rank(vertical, rtol=1e-11) == symmetry.dimension


def test_families_add_up_to_the_dimension(case):
    table = list(case.symmetry.families)
    assert sum(dimension for _, dimension, _ in table) == case.symmetry.dimension
    assert all(name in str(case.symmetry) for name, _, _ in table)


def test_units_of_successive_layers_form_one_component(cases):
    (component,) = cases("mlp").symmetry.components()
    assert [pair.name for pair in component] == ["relu_rescaling(0, 2)", "relu_rescaling(2, 4)"]


def test_parts_of_one_fused_parameter_are_not_coupled(cases):
    case = cases("multihead")
    symmetry = declare(case.model, query_key("attn"), value_output("attn"))
    assert symmetry.pairs[0].parameters & symmetry.pairs[1].parameters
    assert [len(component) for component in symmetry.components()] == [1, 1]


def test_sections_are_taken_in_an_order_in_which_none_spoils_another(cases):
    order = [factor.name for factor in cases("pre-norm").symmetry.factors]
    assert order.index("norm_gain(norm1)") < order.index("norm_shift(norm1)") < order.index("value_bias(attn)")
    assert order.index("reader_mean(norm1, attn)") < order.index("query_key(attn)")


def test_random_moves_what_a_quotient_takes_out_and_the_rest_on_request(cases, generator):
    symmetry = cases("pre-norm").symmetry
    rotations = {factor.name for factor in symmetry.factors if isinstance(factor, Rotation)}
    assert symmetry.random(generator).keys() == {f.name for f in symmetry.factors} - rotations
    assert rotations <= symmetry.random(generator, factors=symmetry.factors).keys()
    assert {f.name for f in symmetry.quotiented} == symmetry.random(generator).keys()
    assert all(isinstance(factor, AbstractAbsorption) for factor in symmetry.absorptions)


def net() -> tuple[nn.Module, ModelSymmetry]:
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    return model, declare(model, relu_rescaling("0", "2"))


def test_unknown_factor_names_the_nearest():
    model, symmetry = net()
    params = trainable_parameters(model)
    calls = [
        lambda: symmetry["relu_rescaling(0,2)"],
        lambda: symmetry.act({"relu": torch.ones(5, 1, 1)}, params),
        lambda: symmetry.infinitesimal({"relu": torch.ones(5, 1, 1)}, params),
    ]
    for call in calls:
        with pytest.raises(SymmetryError, match=r"no factor named .* nearest are \['relu_rescaling\(0, 2\)'\]"):
            call()


def test_parameters_of_another_shape_are_an_error():
    model, symmetry = net()
    params = trainable_parameters(model) | {"0.weight": torch.ones(4, 3)}
    with pytest.raises(SymmetryError, match=r"'0.weight' has shape \(4, 3\), the symmetry was declared for \(5, 3\)"):
        symmetry.canonical(params)
    with pytest.raises(SymmetryError, match=r"no parameter named '0\.(weight|bias)'"):
        symmetry.canonical({})


def test_two_factors_of_one_name_are_an_error():
    model, _ = net()
    with pytest.raises(ValueError, match="two factors are named"):
        declare(model, relu_rescaling("0", "2"), relu_rescaling("0", "2"))
