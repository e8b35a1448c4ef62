"""SAM on any geometry: against implementations of the papers, and what it refuses."""

import copy
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quotient import Adaptive, Euclidean, RiemannianSAM
from tests.quotient.sam.models import (
    ADAM,
    ADAMW,
    RADIUS,
    SGD,
    Data,
    assert_same,
    mlp,
    smooth_mlp,
    train,
    values,
)

pytestmark = pytest.mark.usefixtures("float64")


def reference(
    model: nn.Module,
    base: torch.optim.Optimizer,
    data: Data,
    steps: int,
    scale: Callable[[Tensor], Tensor],
) -> list[float]:
    """SAM [Foret2021, Algorithm 1] for scale 1; ASAM [Kwon2021, Algorithm 1] for scale T: r T^2 g / |T g|."""
    losses = []
    for _ in range(steps):
        base.zero_grad()
        loss = F.cross_entropy(model(data[0]), data[1])
        loss.backward()
        old = [p.detach().clone() for p in model.parameters()]
        scales = [scale(p) for p in old]
        norm = sum(float(((t * p.grad) ** 2).sum()) for t, p in zip(scales, model.parameters(), strict=True)) ** 0.5
        for t, p in zip(scales, model.parameters(), strict=True):
            p.data += RADIUS * t**2 * p.grad / norm
        base.zero_grad()
        F.cross_entropy(model(data[0]), data[1]).backward()
        for p, o in zip(model.parameters(), old, strict=True):
            p.data = o
        base.step()
        losses.append(loss.item())
    return losses


BASES = {
    "SGD": (SGD, {"lr": 0.2}),
    "momentum": (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
    "AdamW": (ADAMW, {"lr": 0.01, "weight_decay": 0.1}),
}
SCALES = {
    "SAM": (Euclidean(), torch.ones_like),
    "ASAM": (Adaptive(eta=0.01, biases=False), lambda p: p.abs() + 0.01 if p.ndim > 1 else torch.ones_like(p)),
    "ASAM, all scaled": (Adaptive(), torch.abs),
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("scale", SCALES)
def test_flat_geometries_reproduce_the_published_algorithms(base, scale, data):
    (make, options), (geometry, formula) = BASES[base], SCALES[scale]
    ours = smooth_mlp()
    theirs = copy.deepcopy(ours)
    optimizer = RiemannianSAM(ours.named_parameters(), geometry, make, radius=RADIUS, **options)
    losses = train(ours, optimizer, data, 50)
    expected = reference(theirs, make(theirs.parameters(), **options), data, 50, formula)
    assert losses == pytest.approx(expected, rel=1e-12)
    assert_same(values(ours), values(theirs), atol=1e-12)


@pytest.mark.parametrize(
    ("base", "options"),
    [
        (SGD, {"lr": 0.1}),
        (SGD, {"lr": 0.1, "momentum": 0.9}),
        (SGD, {"lr": 0.1, "momentum": 0.9, "transport": "differential"}),
        (ADAM, {"lr": 0.01, "betas": (0.8, 0.95)}),
        (ADAMW, {"lr": 0.01, "weight_decay": 0.1}),
    ],
)
def test_riemannian_mode_is_sam_where_the_geometry_is_euclidean(base, options, data):
    ours = smooth_mlp()
    theirs = copy.deepcopy(ours)
    optimizer = RiemannianSAM(ours.named_parameters(), Euclidean(), base, mode="riemannian", **options)
    options = {name: value for name, value in options.items() if name != "transport"}  # there is one on flat space
    losses = train(ours, optimizer, data, 50)
    expected = reference(theirs, base(theirs.parameters(), **options), data, 50, torch.ones_like)
    assert losses == pytest.approx(expected, rel=1e-12)
    assert_same(values(ours), values(theirs), atol=1e-12)


def test_frozen_parameters_stay_where_they_are(data):
    model = mlp()
    model[0].requires_grad_(False)
    before = values(model)
    optimizer = RiemannianSAM(model.named_parameters(), Adaptive(), ADAMW, lr=0.1)
    train(model, optimizer, data, 3)
    assert_same(values(model)[:2], before[:2])
    assert optimizer.param_groups[0]["param_names"] == ["2.weight", "2.bias"]


def test_parameter_groups_have_options_of_their_own(data):
    model = mlp()
    before = values(model)
    named = dict(model.named_parameters())
    groups = [
        {"params": [(n, p) for n, p in named.items() if n.startswith("0.")], "lr": 0.0},
        {"params": [(n, p) for n, p in named.items() if n.startswith("2.")]},
    ]
    optimizer = RiemannianSAM(groups, Euclidean(), SGD, lr=0.1)
    train(model, optimizer, data, 2)
    assert_same(values(model)[:2], before[:2])
    assert not torch.equal(values(model)[2], before[2])
    assert "lr" not in groups[1], "the groups of the caller are not written into"


@pytest.mark.parametrize("kept", [True, False])
def test_running_statistics_are_those_of_the_first_pass_where_buffers_are_given(kept, data):
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
    twin = copy.deepcopy(model)
    twin(data[0])
    buffers = model.buffers() if kept else ()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, radius=0.5, lr=0.1, buffers=buffers)
    train(model, optimizer, data, 1)
    same = all(torch.equal(a, b) for a, b in zip(model.buffers(), twin.buffers(), strict=True))
    assert same is kept


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"radius": 0.0}, ValueError, "radius must be positive"),
        ({"radius": -1.0}, ValueError, "got -1.0"),
        ({"radius": float("nan")}, ValueError, "radius"),
        ({"max_norm": 0.0}, ValueError, "max_norm must be positive, got 0.0"),
        ({"transport": "parallel"}, ValueError, "'projection' or 'differential', got 'parallel'"),
        ({"mode": "quotient"}, ValueError, "'base' or 'riemannian', got 'quotient'"),
        ({"mode": "riemannian", "base_optimizer": torch.optim.Adagrad}, ValueError, "AdamW, got Adagrad"),
        ({"mode": "riemannian", "weight_decay": 0.1}, ValueError, "weight_decay"),
        ({"mode": "riemannian", "momentum": 0.9, "nesterov": True}, ValueError, "nesterov"),
        ({"named_parameters": []}, ValueError, "at least one parameter"),
        ({"named_parameters": [("w", torch.zeros(2))]}, ValueError, "at least one parameter"),
        ({"named_parameters": [nn.Parameter(torch.zeros(2))]}, TypeError, "named_parameters"),
        ({"named_parameters": [("w", nn.Parameter(torch.zeros(2)))] * 2}, ValueError, r"\['w'\] again"),
    ],
)
def test_what_cannot_be_trained_is_refused(arguments, error, message):
    options = {"named_parameters": mlp().named_parameters(), "base_optimizer": SGD, "lr": 0.1} | arguments
    with pytest.raises(error, match=message):
        RiemannianSAM(geometry=Euclidean(), **options)


def test_riemannian_mode_takes_one_parameter_group():
    groups = [{"params": list(layer.named_parameters(prefix=n))} for n, layer in mlp().named_children()]
    with pytest.raises(ValueError, match="one parameter group, got 2"):
        RiemannianSAM(groups, Euclidean(), SGD, mode="riemannian", lr=0.1)


def test_halves_out_of_order_are_refused(data):
    model = mlp()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=0.1)
    with pytest.raises(RuntimeError, match="first_step"):
        optimizer.step()
    with pytest.raises(RuntimeError, match="backward"):
        optimizer.first_step()


def test_no_warning_is_given_in_a_plain_run(make, data):
    model = mlp()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = train(model, make(model), data, 30)
    assert losses[-1] < losses[0]
