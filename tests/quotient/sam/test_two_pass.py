"""The course of a step: closures, failures, schedules, gradients that are zero or not finite."""

import copy

import pytest
import torch
from torch import Tensor

from tests.quotient.sam.models import (
    assert_same,
    closure_of,
    mlp,
    train,
    values,
)

pytestmark = pytest.mark.usefixtures("float64")


def test_step_returns_what_the_closure_returned_at_the_point(make, data):
    model = mlp()
    optimizer = make(model)
    closure, seen = closure_of(model, optimizer, data), []

    def recording() -> float:
        assert torch.is_grad_enabled()
        seen.append((closure().item(), optimizer.is_perturbed))
        return seen[-1][0]

    with torch.no_grad():
        loss = optimizer.step(recording)
    assert loss == seen[0][0] != seen[1][0]
    assert [perturbed for _, perturbed in seen] == [False, True]
    assert not optimizer.is_perturbed


def test_an_exception_in_the_closure_leaves_the_model_at_its_point(make, data):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    closure, before = closure_of(model, optimizer, data), values(model)

    def failing() -> Tensor:
        if optimizer.is_perturbed:
            raise MemoryError
        return closure()

    with pytest.raises(MemoryError):
        optimizer.step(failing)
    assert_same(values(model), before)
    with pytest.raises(RuntimeError, match="first_step"):
        optimizer.step()
    assert len(train(model, optimizer, data, 1)) == 1


def test_a_learning_rate_scheduler_acts_on_the_step(make, data):
    model = mlp()
    optimizer = make(model)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.0)
    train(model, optimizer, data, 1)
    scheduler.step()  # raises if it thinks that no step was taken: warnings are errors here
    before = values(model)
    assert scheduler.get_last_lr() == [0.0]
    train(model, optimizer, data, 1)
    assert_same(values(model), before, atol=1e-15)  # a geodesic of length zero ends at its start up to rounding


def test_a_zero_gradient_perturbs_nothing(make):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    before = values(model)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = sum(p.sum() for p in model.parameters()) * 0.0
        loss.backward()
        assert_same(values(model), before)
        return loss

    assert optimizer.step(closure).item() == 0.0
    assert all(bool(torch.isfinite(p).all()) for p in values(model))


@pytest.mark.parametrize("failing_pass", [1, 2])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_skips_the_step(value, failing_pass, make, data):
    model = mlp()
    optimizer = make(model)
    train(model, optimizer, data, 2)
    state, before, calls = copy.deepcopy(optimizer.state_dict()["state"]), values(model), []
    closure = closure_of(model, optimizer, data)

    def spoiling() -> Tensor:
        loss = closure()
        calls.append(loss)
        if len(calls) == failing_pass:
            model[0].weight.grad[0, 0] = value
        return loss

    with pytest.warns(RuntimeWarning, match="step skipped"):
        optimizer.step(spoiling)
    assert len(calls) == failing_pass
    assert_same(values(model), before)
    torch.testing.assert_close(optimizer.state_dict()["state"], state, rtol=0.0, atol=0.0)
    assert len(train(model, optimizer, data, 1)) == 1


def test_parameters_that_the_loss_does_not_reach_are_left_to_the_base_optimizer(make, data):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    before = values(model)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = model[0](data[0]).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    after = values(model)
    assert not torch.equal(after[0], before[0])
    if optimizer.mode == "base":  # torch optimizers pass over parameters without a gradient
        assert_same(after[2:], before[2:])
