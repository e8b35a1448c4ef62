"""The course of a step: closures and halves, failures, gradients that are zero or not finite."""

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quotient import Euclidean, RiemannianSAM
from tests.quotient.sam.models import (
    SGD,
    assert_same,
    closure_of,
    mlp,
    train,
    values,
)

pytestmark = pytest.mark.usefixtures("float64")


def by_halves(model: nn.Module, optimizer: RiemannianSAM, closure: Callable[[], Tensor]) -> Iterator[Tensor]:
    optimizer.to_representative()
    while True:
        loss = closure()
        optimizer.first_step(zero_grad=True)
        F.cross_entropy(model(DATA[0]), DATA[1]).backward()
        optimizer.second_step(zero_grad=True)
        yield loss


def by_context(model: nn.Module, optimizer: RiemannianSAM, closure: Callable[[], Tensor]) -> Iterator[Tensor]:
    optimizer.to_representative()
    while True:
        loss = closure()
        with optimizer.perturbed():
            closure()
        optimizer.step()
        yield loss


DATA = (torch.randn(12, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64), torch.arange(12) % 3)


@pytest.mark.parametrize("loop", [by_halves, by_context])
def test_loops_without_a_closure_take_the_same_steps_bit_for_bit(loop, make):
    model = mlp()
    twin = copy.deepcopy(model)
    expected = train(model, make(model), DATA, 10)
    optimizer = make(twin)
    steps = loop(twin, optimizer, closure_of(twin, optimizer, DATA))
    assert [next(steps).item() for _ in range(10)] == expected
    assert_same(values(twin), values(model))


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


def test_the_perturbation_has_the_radius_and_is_undone_bit_for_bit(make, data):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    closure_of(model, optimizer, data)()
    point = dict(zip(dict(model.named_parameters()), values(model), strict=True))
    optimizer.radius = 1e-4  # so short that the geodesic is straight, and a schedule may set it
    with optimizer.perturbed():
        away = {name: p.detach() - point[name] for name, p in model.named_parameters()}
    assert optimizer.geometry.norm(point, away).item() == pytest.approx(1e-4, rel=1e-3)
    assert_same(values(model), list(point.values()))


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


def test_second_step_counts_as_a_step_for_schedulers_and_hooks(data):
    model = mlp()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=0.1)
    calls: list[object] = []
    optimizer.register_step_post_hook(lambda *_: calls.append(None))
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    closure = closure_of(model, optimizer, data)
    closure()
    optimizer.first_step()
    closure()
    optimizer.second_step()
    scheduler.step()
    assert len(calls) == 1
    assert optimizer.base_optimizer.param_groups[0]["lr"] == 0.05


@pytest.mark.parametrize(
    "action",
    [
        lambda o, c: o.state_dict(),
        lambda o, c: o.load_state_dict({}),
        lambda o, c: o.first_step(),
        lambda o, c: o.step(c),
        lambda o, c: copy.deepcopy(o),
    ],
    ids=["save", "load", "perturb", "step", "copy"],
)
def test_nothing_else_may_happen_while_the_model_is_perturbed(action, make, data):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    closure, point = closure_of(model, optimizer, data), values(model)
    closure()
    optimizer.first_step()
    assert optimizer.is_perturbed
    with pytest.raises(RuntimeError, match="restore"):
        action(optimizer, closure)
    optimizer.restore()
    optimizer.restore()
    assert_same(values(model), point)
    assert optimizer.state_dict()["param_groups"]


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
