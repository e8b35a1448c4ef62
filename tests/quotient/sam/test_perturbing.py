"""The two halves of a step: loops of one's own, the way there and back, what may not happen in between."""

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
