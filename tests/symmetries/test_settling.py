"""Steps to the canonical representative: one result in any order that keeps dependence, few parameters at a time."""

import pytest
import torch
from torch import nn

from symmetries import declare, detect, relu_rescaling, trainable_parameters
from symmetries.settling import in_passing, settled

RTOL = 1e-9  # float64; eigenvectors amplify rounding by one over their gaps


@pytest.fixture
def params(case):
    return trainable_parameters(case.model)


def needed(step):
    return {name for factor in (step if isinstance(step, tuple) else (step,)) for name in factor.parameters}


def test_steps_by_layers_lead_where_the_order_of_sections_leads(case, params):
    """Against the factors one after the other, stage by stage, in copies of all parameters."""
    symmetry = case.symmetry
    steps = [*symmetry.absorptions, *symmetry.components()]
    (expected, _), (got, _) = (settled(s, params, symmetry.statistics) for s in (steps, in_passing(steps, params)))
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, rtol=RTOL, atol=RTOL)


def test_steps_by_layers_are_all_of_them_and_keep_the_order_of_those_that_meet(case, params):
    steps = [*case.symmetry.absorptions, *case.symmetry.components()]
    ordered = in_passing(steps, params)
    assert sorted(map(id, ordered)) == sorted(map(id, steps))
    for name in params:
        assert [s for s in ordered if name in needed(s)] == [s for s in steps if name in needed(s)]


def test_the_element_moves_the_parameters_to_where_the_steps_lead(case, params):
    symmetry = case.symmetry
    end, element = symmetry.settled(params)
    for name, value in symmetry.act(element, params).items():
        torch.testing.assert_close(end[name], value, rtol=RTOL, atol=RTOL)


def test_settling_is_acting_with_the_section(case, params):
    for factor in case.symmetry.factors:
        moved = {name: value.clone() for name, value in params.items()}
        element, expected = factor.settle_(moved), factor.section(params)
        assert (element is None) == (expected is None)
        if expected is not None:
            torch.testing.assert_close(element, expected)
            for name, value in factor.act(expected, params).items():
                torch.testing.assert_close(moved[name], value)


def test_parameters_stay_as_they_are_and_what_no_step_moves_is_shared(case, params):
    before = {name: value.clone() for name, value in params.items()}
    end, _ = case.symmetry.settled(params)
    assert all(torch.equal(value, before[name]) for name, value in params.items())
    pairs, absorptions = case.symmetry.pairs, case.symmetry.absorptions
    moved = {view.parameter for factor in (*pairs, *absorptions) for view in factor.moved}
    moved |= {name for norm in case.symmetry.statistics for name in (norm.gain, norm.shift)}
    assert {name for name, value in end.items() if value is not params[name]} == moved


def test_single_precision_is_rounded_once(case, params):
    """Rounding of the result of double precision, not that of every step."""
    low = {name: value.float() for name, value in params.items()}
    expected = case.symmetry.canonical({name: value.double() for name, value in low.items()})
    for name, value in case.symmetry.canonical(low).items():
        assert torch.equal(value, expected[name].float())


def test_a_deep_network_is_settled_with_few_layers_at_a_time(generator):
    torch.manual_seed(0)
    depth = 6
    layers = [nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True) for _ in range(depth)]
    model = nn.Sequential(*layers, nn.LayerNorm(8), nn.Linear(8, 3)).double().eval()
    symmetry = detect(model, torch.randn(2, 4, 8, generator=generator, dtype=torch.float64))
    shapes = {name: value.shape for name, value in model.named_parameters()}
    steps = in_passing([*symmetry.absorptions, *symmetry.components()], shapes)
    last = {name: i for i, step in enumerate(steps) for name in needed(step)}
    held, most = set(), 0
    for i, step in enumerate(steps):
        held |= needed(step)
        most = max(most, sum(shapes[name].numel() for name in held))
        held -= {name for name in held if last[name] == i}
    assert most < 2 * sum(p.numel() for p in layers[0].parameters())
    assert most < sum(shape.numel() for shape in shapes.values()) / 2


def test_a_pair_whose_copies_all_lack_rank_stays():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    symmetry = declare(model, relu_rescaling("0", "2"))
    params = trainable_parameters(model) | {"2.weight": torch.zeros(2, 4, dtype=torch.float64)}
    end, element = symmetry.settled(params)
    assert element == {}
    assert all(torch.equal(end[name], value) for name, value in params.items())
