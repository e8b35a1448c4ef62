"""Balancing of coupled pairs: one point of least norm on every orbit."""

import pytest
import torch
from torch import nn

from symmetries import GeneralLinear, ModelSymmetry, Symmetry, View, declare, linear_chain, relu_rescaling
from symmetries.balancing import BALANCED, balance_, imbalance


def relu_chain(depth: int) -> tuple[nn.Module, ModelSymmetry]:
    layers: list[nn.Module] = [nn.Linear(4, 6)]
    for _ in range(depth):
        layers += [nn.ReLU(), nn.Linear(6, 6)]
    model = nn.Sequential(*layers).double()
    return model, declare(model, *(relu_rescaling(str(2 * i), str(2 * i + 2)) for i in range(depth)))


def linear_layers() -> tuple[nn.Module, ModelSymmetry]:
    model = nn.Sequential(nn.Linear(5, 3), nn.Linear(3, 3), nn.Linear(3, 6)).double()
    return model, declare(model, linear_chain("0", "1"), linear_chain("1", "2"))


CASES = {"ReLU, 2": lambda: relu_chain(2), "ReLU, 5": lambda: relu_chain(5), "linear": linear_layers}


@pytest.fixture(params=CASES)
def case(request, generator):
    torch.manual_seed(0)
    model, symmetry = CASES[request.param]()
    return symmetry, {name: p.detach() for name, p in model.named_parameters()}


def squared_norm(params):
    return sum(value.square().sum() for value in params.values()).item()


def test_all_pairs_of_a_component_are_balanced(case, generator):
    symmetry, params = case
    canonical = symmetry.canonical(symmetry.act(symmetry.random(generator, 100.0), params))
    assert all(float(imbalance(pair, canonical).max()) < 100 * BALANCED for pair in symmetry.pairs)


def test_no_point_of_the_orbit_is_shorter(case, generator):
    """Least norm over the orbit, against random elements far away and near by."""
    symmetry, params = case
    canonical = symmetry.canonical(params)
    least = squared_norm(canonical)
    for condition in (100.0, 2.0, 1.01):
        for _ in range(10):
            moved = symmetry.act(symmetry.random(generator, condition, factors=symmetry.pairs), canonical)
            assert squared_norm(moved) >= least * (1 - 1e-13)


def test_one_representative_for_an_orbit(case, generator):
    symmetry, params = case
    expected = symmetry.canonical(params)
    got = symmetry.canonical(symmetry.act(symmetry.random(generator, 100.0), params))
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, rtol=1e-7, atol=1e-9)


def test_a_dead_unit_stays_where_it_is_and_the_others_are_balanced():
    model, symmetry = relu_chain(2)
    params = {name: p.detach().clone() for name, p in model.named_parameters()}
    params["2.weight"][:, 1] = 0.0  # unit 1 of the first layer has no reader
    (component,) = symmetry.components()
    moved = {name: value.clone() for name, value in params.items()}
    element = balance_(component, moved)
    for name, value in symmetry.act(element, params).items():
        torch.testing.assert_close(moved[name], value, rtol=1e-12, atol=1e-12)
    assert torch.equal(moved["0.weight"][1], params["0.weight"][1])
    gaps = imbalance(symmetry.pairs[0], moved)
    assert float(gaps[1]) == 1.0
    assert float(torch.cat([gaps[:1], gaps[2:]]).max()) < 100 * BALANCED


def test_rank_deficient_copies_leave_the_others_their_balanced_basis(generator):
    pair = Symmetry(
        GeneralLinear(2), (View("g", "(c h) n -> c n h", c=3),), (View("h", "(c h) m -> c m h", c=3),), name="pair"
    )
    params = {name: torch.randn(6, 5, generator=generator, dtype=torch.float64) for name in "gh"}
    params["g"][2] = 2.0 * params["g"][3]  # copy 1
    element = pair.section(params)
    assert torch.equal(element[1], torch.eye(2, dtype=torch.float64))
    gaps = imbalance(pair, pair.act(element, params))
    assert float(gaps[[0, 2]].max()) < 100 * BALANCED < float(gaps[1])
