"""Trials: the point is where it was after factors have moved it, and sums up what they do to the function."""

import pytest
import torch
from torch import nn

from symmetries import declare, relu_rescaling, trainable_parameters
from symmetries.detection.recording import record
from symmetries.detection.trial import TOLERANCE, Trial


@pytest.fixture
def model(float64, generator):
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2))
    x = torch.randn(6, 3, generator=generator)
    return model, record(model, (x,), {}), trainable_parameters(model)


@pytest.fixture
def factors(model):
    symmetry = declare(model[0], relu_rescaling("0", "2"), relu_rescaling("2", "4"))
    return [(factor,) for factor in symmetry.factors]


def test_factors_that_change_the_function_are_told_from_those_that_do_not(model, factors):
    _, recording, params = model
    trial = Trial(recording, params)
    assert trial.failing(factors) == [1]
    assert trial.defect(factors[0]) < TOLERANCE < 1e-3 < trial.defect(factors[1])


def test_what_was_moved_is_put_back(model, factors):
    _, recording, params = model
    trial = Trial(recording, params)
    before = {name: value.clone() for name, value in trial._point().items()}
    trial.defect(factors[1])
    moved = [name for name, value in before.items() if not torch.equal(value, trial._space[name])]
    assert moved == ["2.weight", "2.bias", "4.weight"]
    assert all(torch.equal(value, before[name]) for name, value in trial._point().items())


def test_the_model_is_left_as_it_is(model, factors):
    module, recording, params = model
    before = {name: value.clone() for name, value in params.items()}
    Trial(recording, params).failing(factors)
    assert all(torch.equal(value, before[name]) for name, value in module.named_parameters())


def test_the_point_is_generic(model):
    """Zeros and equal entries, special values of new models, are nowhere at the point."""
    _, recording, params = model
    special = {
        name: torch.ones_like(value) if value.ndim > 1 else torch.zeros_like(value) for name, value in params.items()
    }
    point = Trial(recording, special)._point()
    for name, value in point.items():
        assert len(value.unique()) == value.numel()
        assert (value - special[name]).abs().min() > 0
