"""Where the model is perturbed to: schedules, subsets, every k-th step."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from quotient import Euclidean, Quotient, RiemannianSAM, length
from symmetries import declare, lora_pair
from tests.quotient.sam.models import ADAMW, SGD, Adapter, assert_same, closure_of, mlp, smooth_mlp, train, values

pytestmark = pytest.mark.usefixtures("float64")


def moved(model: nn.Module, optimizer: RiemannianSAM, data: tuple[Tensor, Tensor]) -> dict[str, float]:
    """How far the perturbation moves every parameter."""
    closure_of(model, optimizer, data)()
    before = dict(zip(dict(model.named_parameters()), values(model), strict=True))
    with optimizer.perturbed():
        return {name: float((p.detach() - before[name]).norm()) for name, p in model.named_parameters()}


def test_a_schedule_sees_the_steps_taken_and_the_gradient(data):
    model, seen = smooth_mlp(), []

    def radius(steps, gradient):
        seen.append((steps, float(length(gradient))))
        return 0.1 / (1 + steps)

    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, radius=radius, lr=0.1)
    closure = closure_of(model, optimizer, data)
    for step in range(3):
        closure()
        norm = torch.nn.utils.get_total_norm([p.grad for p in model.parameters()])
        distances = moved(model, optimizer, data).values()
        assert math.hypot(*distances) == pytest.approx(0.1 / (1 + step))
        assert seen == [(step, pytest.approx(norm.item()))]
        seen.clear()
        optimizer.step()


def test_the_radius_may_follow_the_learning_rate(data):
    model = smooth_mlp()
    optimizer = RiemannianSAM(
        model.named_parameters(), Euclidean(), SGD, radius=lambda *_: 0.5 * scheduler.get_last_lr()[0], lr=0.2
    )
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    for expected in (0.1, 0.05):
        assert math.hypot(*moved(model, optimizer, data).values()) == pytest.approx(expected)
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("radius", [math.nan, math.inf])
def test_a_schedule_must_give_finite_numbers(radius, data):
    model = mlp()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, radius=lambda *_: radius, lr=0.1)
    before = values(model)
    with pytest.raises(ValueError, match="finite radius"):
        train(model, optimizer, data, 1)
    assert_same(values(model), before)


def test_a_schedule_of_zero_and_a_negative_one_are_taken_at_their_word(data):
    ours = smooth_mlp()
    theirs = copy.deepcopy(ours)
    optimizer = RiemannianSAM(ours.named_parameters(), Euclidean(), SGD, radius=lambda *_: 0.0, lr=0.1)
    assert train(ours, optimizer, data, 5) == train(theirs, SGD(theirs.parameters(), lr=0.1), data, 5)
    optimizer.radius = lambda *_: -0.1
    closure = closure_of(ours, optimizer, data)
    loss = closure().item()
    with optimizer.perturbed():
        assert closure().item() < loss


def test_only_the_parameters_asked_for_are_perturbed(data):
    model = smooth_mlp()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, perturb=("*.bias", "2.*"), lr=0.1)
    distances = moved(model, optimizer, data)
    assert distances["0.weight"] == 0.0
    assert math.hypot(*distances.values()) == pytest.approx(optimizer.radius)
    optimizer.step()
    assert model[0].weight.grad is not None  # all are trained


def test_on_a_quotient_the_partner_of_a_perturbed_factor_moves_with_it(data):
    model = Adapter()
    geometry = Quotient(declare(model, lora_pair("lora_A", "lora_B")))
    optimizer = RiemannianSAM(model.named_parameters(), geometry, SGD, perturb=("lora_A",), lr=0.1)
    distances = moved(model, optimizer, data)
    assert distances["lora_A"] > 0.0
    assert distances["lora_B"] > 0.0
    assert distances["head.weight"] == 0.0


def test_a_glob_without_a_match_is_refused():
    with pytest.raises(ValueError, match=r"'norm\*', which matches none"):
        RiemannianSAM(mlp().named_parameters(), Euclidean(), SGD, perturb=("0.*", "norm*"), lr=0.1)


def test_steps_between_perturbed_ones_cost_one_gradient(make, data):
    model, counted = mlp(), []
    optimizer = make(model)
    optimizer.every = 3
    closure = closure_of(model, optimizer, data)

    def counting() -> Tensor:
        counted.append(optimizer.due)
        return closure()

    for _ in range(6):
        optimizer.step(counting)
    assert counted == [True, True, False, False] * 2


def test_steps_between_perturbed_ones_are_those_of_the_base_optimizer(data):
    ours = smooth_mlp()
    optimizer = RiemannianSAM(ours.named_parameters(), Euclidean(), ADAMW, every=3, lr=0.01)
    train(ours, optimizer, data, 4)
    theirs = copy.deepcopy(ours)
    plain = ADAMW(theirs.parameters())
    plain.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert train(ours, optimizer, data, 2) == train(theirs, plain, data, 2)
    assert_same(values(ours), values(theirs))


@pytest.mark.parametrize("every", [0, -1])
def test_every_must_be_positive(every):
    with pytest.raises(ValueError, match="every must be at least 1"):
        RiemannianSAM(mlp().named_parameters(), Euclidean(), SGD, every=every, lr=0.1)
