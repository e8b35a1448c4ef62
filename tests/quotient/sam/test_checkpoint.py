"""Checkpoints and copies: a run goes on as if it had not stopped."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from quotient import Euclidean, RiemannianSAM
from tests.quotient.sam.models import (
    ADAMW,
    SGD,
    assert_same,
    mlp,
    train,
    values,
)

pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize("weights_first", [True, False])
def test_training_resumes_from_a_checkpoint_bit_for_bit(weights_first, make, data, tmp_path):
    model = mlp()
    optimizer = make(model)
    train(model, optimizer, data, 5)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "checkpoint.pt")
    expected = train(model, optimizer, data, 5)

    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    resumed = mlp()
    if weights_first:
        resumed.load_state_dict(checkpoint["model"])
        again = make(resumed)
    else:
        again = make(resumed)
        resumed.load_state_dict(checkpoint["model"])
    again.load_state_dict(checkpoint["optimizer"])
    assert train(resumed, again, data, 5) == expected
    assert_same(values(resumed), values(model))


def test_with_the_state_of_the_generator_dropout_resumes_bit_for_bit(make, data, tmp_path):
    def network() -> nn.Module:
        return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3), nn.Dropout(0.5))

    model = network()
    optimizer = make(model)
    optimizer.every = 2
    train(model, optimizer, data, 3)
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "random": torch.get_rng_state()}
    torch.save(checkpoint, tmp_path / "checkpoint.pt")
    expected = train(model, optimizer, data, 4)

    resumed = network()
    again = make(resumed)
    again.every = 2
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    resumed.load_state_dict(checkpoint["model"])
    again.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    assert train(resumed, again, data, 4) == expected


def test_a_checkpoint_without_momentum_would_not_resume(make, data):
    model = mlp()
    optimizer = make(model)
    train(model, optimizer, data, 5)
    resumed = copy.deepcopy(model)
    expected = train(model, optimizer, data, 5)
    assert abs(train(resumed, make(resumed), data, 5)[-1] - expected[-1]) > 1e-4


def test_a_copy_of_model_and_optimizer_goes_on_like_the_original(make, data):
    model = mlp()
    optimizer = make(model)
    train(model, optimizer, data, 3)
    twin, twin_optimizer = copy.deepcopy((model, optimizer))
    assert train(twin, twin_optimizer, data, 3) == train(model, optimizer, data, 3)
    assert twin_optimizer.base_optimizer.state is twin_optimizer.state


def test_the_state_of_the_base_optimizer_alone_can_be_taken_over(data):
    model = mlp()
    plain = ADAMW(model.parameters(), lr=0.01)
    train(model, plain, data, 3)
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), ADAMW, lr=0.5)
    optimizer.load_state_dict(plain.state_dict())
    assert optimizer.param_groups is optimizer.base_optimizer.param_groups
    assert optimizer.param_groups[0]["lr"] == 0.01
    weight = model[0].weight
    assert torch.equal(optimizer.base_optimizer.state[weight]["exp_avg"], plain.state[weight]["exp_avg"])
    train(model, optimizer, data, 1)
    assert optimizer.state[weight]["step"] == 4


def test_the_names_of_a_wrapped_model_do_not_replace_those_of_this_one(data):
    model = mlp()
    wrapped = [(f"module.{name}", p) for name, p in model.named_parameters()]
    saved = RiemannianSAM(wrapped, Euclidean(), SGD, lr=0.1).state_dict()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=0.1)
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["param_names"] == [name for name, _ in model.named_parameters()]


def test_a_state_of_the_other_mode_is_refused():
    model = mlp()
    build = partial(RiemannianSAM, list(model.named_parameters()), Euclidean(), SGD, lr=0.1)
    with pytest.raises(ValueError, match="'riemannian', got one of mode 'base'"):
        build(mode="riemannian").load_state_dict(build().state_dict())
