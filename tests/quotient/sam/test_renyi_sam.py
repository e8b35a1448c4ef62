"""Rényi SAM: the released method step by step, the gradient of its regularizer, and everyday use."""

import copy
import math
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from quotient import RenyiSAM
from tests.quotient.sam import models
from tests.quotient.sam.models import ADAMW, SGD, Attention, assert_same, mlp, smooth_mlp, values

pytestmark = pytest.mark.usefixtures("float64")

FORMS = pytest.mark.parametrize("form", ["published", "gradient"])
ALPHAS = pytest.mark.parametrize("alpha", [0.5, 0.9, 1.2, 2.0])
#: So long that nothing is capped.
UNCAPPED = 1e9


def closure_of(model, optimizer, data):
    return models.closure_of(model, optimizer, data, optimizer.objective)


def train(model, optimizer, data, steps):
    return models.train(model, optimizer, data, steps, optimizer.objective)


def gradient_at(model, data):
    loss = F.cross_entropy(model(data[0]), data[1])
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


def released(model, base, data, steps, alpha, strength):
    """The code that comes with [RenyiSharpness2025], from its formula."""
    losses = []
    for _ in range(steps):
        g = gradient_at(model, data)
        ratio = g.abs().pow(2 * alpha).sum() / g.square().sum() ** alpha
        move = -math.copysign(1.0, 1 - alpha) * strength * ratio * g / g.square().sum()
        old = values(model)
        for p, e in zip(model.parameters(), move.split([p.numel() for p in old]), strict=True):
            p.data += e.view_as(p)
        base.zero_grad()
        F.cross_entropy(model(data[0]), data[1]).backward()
        for p, o in zip(model.parameters(), old, strict=True):
            p.data = o
        losses.append(F.cross_entropy(model(data[0]), data[1]).item())
        base.step()
    return losses


@ALPHAS
@pytest.mark.parametrize("base", [partial(SGD, lr=0.1, momentum=0.9), partial(ADAMW, lr=0.01)], ids=["SGD", "AdamW"])
def test_published_form_takes_the_steps_of_the_released_code(alpha, base, data):
    ours = smooth_mlp()
    theirs = copy.deepcopy(ours)
    optimizer = RenyiSAM(ours.named_parameters(), base, alpha=alpha, strength=0.01, max_radius=UNCAPPED)
    losses = train(ours, optimizer, data, 30)
    assert losses == pytest.approx(released(theirs, base(theirs.parameters()), data, 30, alpha, 0.01), rel=1e-11)
    assert_same(values(ours), values(theirs), atol=1e-11)


def test_published_form_needs_no_objective(data):
    model = smooth_mlp()
    twin = copy.deepcopy(model)
    optimizer = RenyiSAM(twin.named_parameters(), SGD, lr=0.1)
    losses = models.train(twin, optimizer, data, 3)
    assert losses == train(model, RenyiSAM(model.named_parameters(), SGD, lr=0.1), data, 3)


@ALPHAS
def test_published_direction_is_that_of_sam_and_the_length_is_the_stated_one(alpha, data):
    model = smooth_mlp()
    optimizer = RenyiSAM(model.named_parameters(), SGD, alpha=alpha, strength=0.03, max_radius=UNCAPPED, lr=0.1)
    closure_of(model, optimizer, data)()
    g, before = gradient_at(model, data), torch.cat([p.flatten() for p in values(model)])
    with optimizer.perturbed():
        moved = torch.cat([p.flatten() for p in values(model)]) - before
    ratio = (g.square() / g.square().sum()).pow(alpha).sum()
    torch.testing.assert_close(moved, math.copysign(0.03, alpha - 1) * ratio * g / g.square().sum())
    assert optimizer.concentration == pytest.approx(ratio.item())


def oracle(model, data, alpha, strength):
    """The gradient of the loss plus the regularizer, through the dense Hessian, one differentiation at a time."""
    named = {name: p.detach() for name, p in model.named_parameters()}
    sizes = [p.numel() for p in named.values()]

    def loss(flat):
        parts = flat.split(sizes)
        params = {name: part.view_as(p) for (name, p), part in zip(named.items(), parts, strict=True)}
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            return F.cross_entropy(torch.func.functional_call(model, params, (data[0],)), data[1])

    theta = torch.cat([p.flatten() for p in named.values()])
    hessian = torch.autograd.functional.hessian(loss, theta)
    g = torch.autograd.functional.jacobian(loss, theta).requires_grad_()
    regularizer = g.abs().pow(2 * alpha).sum() / g.square().sum() ** alpha
    (slope,) = torch.autograd.grad(regularizer, g)
    return g.detach() + math.copysign(strength, alpha - 1) * hessian @ slope


@ALPHAS
@pytest.mark.parametrize("make", [smooth_mlp, Attention], ids=["MLP", "attention"])
def test_second_form_steps_along_the_gradient_of_the_regularized_loss(alpha, make, data):
    model = make()
    expected = oracle(model, data, alpha, 0.3)
    options = {"form": "gradient", "alpha": alpha, "strength": 0.3, "max_radius": UNCAPPED}
    optimizer = RenyiSAM(model.named_parameters(), SGD, lr=1.0, **options)
    before = torch.cat([p.flatten() for p in values(model)])
    plain = gradient_at(model, data)
    train(model, optimizer, data, 1)
    step = before - torch.cat([p.flatten() for p in values(model)])
    torch.testing.assert_close(step, expected, rtol=1e-9, atol=1e-11)
    assert (step - plain).norm() > 1e-4 * plain.norm()


@ALPHAS
def test_published_form_is_another_gradient_than_that_of_the_regularizer(alpha, data):
    """To first order it adds the size-weighted gradient of the logarithm of the norm."""
    model = smooth_mlp()
    g, strength = gradient_at(model, data), 1e-6
    ratio = (g.square() / g.square().sum()).pow(alpha).sum()
    hessian_g = (oracle_product(model, data, g / g.norm())) * g.norm()
    expected = math.copysign(1.0, alpha - 1) * ratio * hessian_g / g.square().sum()
    optimizer = RenyiSAM(model.named_parameters(), SGD, alpha=alpha, strength=strength, lr=1.0)
    before = torch.cat([p.flatten() for p in values(model)])
    train(model, optimizer, data, 1)
    added = (before - torch.cat([p.flatten() for p in values(model)]) - g) / strength
    torch.testing.assert_close(added, expected, rtol=1e-3, atol=1e-4)  # second order in the strength, and rounding
    true = oracle(smooth_copy(model, before), data, alpha, 1.0) - g
    assert abs(F.cosine_similarity(added, true, dim=0).item()) < 0.1  # 0.01 to 0.07 of this network


def smooth_copy(model, flat):
    twin = copy.deepcopy(model)
    torch.nn.utils.vector_to_parameters(flat, twin.parameters())
    return twin


def oracle_product(model, data, v):
    loss = F.cross_entropy(model(data[0]), data[1])
    parts = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
    along = torch.cat([g.flatten() for g in parts]) @ v
    return torch.cat([h.flatten() for h in torch.autograd.grad(along, list(model.parameters()))])


@FORMS
def test_displacements_are_capped(form, data):
    model = smooth_mlp()
    optimizer = RenyiSAM(model.named_parameters(), SGD, form=form, strength=1e6, max_radius=0.2, lr=1.0)
    closure_of(model, optimizer, data)()
    before, g = torch.cat([p.flatten() for p in values(model)]), gradient_at(model, data)
    with optimizer.perturbed():
        moved = torch.cat([p.flatten() for p in values(model)]) - before
        if form == "published":
            assert moved.norm().item() == pytest.approx(0.2)
        closure_of(model, optimizer, data)()
    if form == "gradient":
        optimizer.step()
        added = before - torch.cat([p.flatten() for p in values(model)]) - g
        slope = oracle_slope(g)
        expected = oracle_product(smooth_copy(model, before), data, 0.2 * slope / slope.norm())
        torch.testing.assert_close(added, expected, rtol=1e-9, atol=1e-11)


def oracle_slope(g, alpha=1.2):
    g = g.clone().requires_grad_()
    return torch.autograd.grad(g.abs().pow(2 * alpha).sum() / g.square().sum() ** alpha, g)[0]


@FORMS
def test_loops_in_halves_take_the_same_steps(form, data):
    model = smooth_mlp()
    twin = copy.deepcopy(model)
    make = partial(RenyiSAM, base_optimizer=SGD, form=form, lr=0.1, momentum=0.9)
    expected = train(model, make(model.named_parameters()), data, 5)
    optimizer = make(twin.named_parameters())
    closure, losses = closure_of(twin, optimizer, data), []
    for _ in range(5):
        losses.append(closure().item())
        optimizer.first_step(zero_grad=True)
        closure()
        optimizer.second_step(zero_grad=True)
    assert losses == expected
    assert_same(values(twin), values(model))


@FORMS
def test_micro_batches_are_one_large_batch(form, data):
    model = smooth_mlp()
    twin = copy.deepcopy(model)
    make = partial(RenyiSAM, base_optimizer=SGD, form=form, lr=0.1)
    expected = train(model, make(model.named_parameters()), data, 3)
    optimizer = make(twin.named_parameters())
    batches = list(zip(data[0].chunk(3), data[1].chunk(3), strict=True))

    def loss_fn(batch):
        return optimizer.objective(lambda: F.cross_entropy(twin(batch[0]), batch[1]))

    losses = [optimizer.step(loss_fn, batches).item() for _ in range(3)]
    assert losses == pytest.approx(expected, rel=1e-12)
    assert_same(values(twin), values(model), atol=1e-12)


@FORMS
def test_the_scale_of_the_loss_does_not_matter(form, data):
    """Unlike SAM's, these lengths depend on the size of the gradient: it is unscaled first."""
    model = smooth_mlp()
    twin = copy.deepcopy(model)
    make = partial(RenyiSAM, base_optimizer=SGD, form=form, lr=0.1)
    expected = train(model, make(model.named_parameters()), data, 3)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    optimizer = make(twin.named_parameters(), scaler=scaler)

    def closure():
        optimizer.zero_grad()
        loss = optimizer.objective(lambda: F.cross_entropy(twin(data[0]), data[1]))
        scaler.scale(loss).backward()
        return loss

    assert [optimizer.step(closure).item() for _ in range(3)] == pytest.approx(expected, rel=1e-12)


@FORMS
def test_training_resumes_from_a_checkpoint_bit_for_bit(form, data, tmp_path):
    def make(model):
        return RenyiSAM(model.named_parameters(), ADAMW, form=form, lr=0.01)

    model = mlp()
    optimizer = make(model)
    train(model, optimizer, data, 3)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "checkpoint.pt")
    expected = train(model, optimizer, data, 3)
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    resumed = mlp()
    resumed.load_state_dict(checkpoint["model"])
    again = make(resumed)
    again.load_state_dict(checkpoint["optimizer"])
    assert train(resumed, again, data, 3) == expected
    assert_same(values(resumed), values(model))


@FORMS
def test_a_zero_gradient_perturbs_nothing(form):
    model = mlp()
    optimizer = RenyiSAM(model.named_parameters(), SGD, form=form, lr=0.1)
    before = values(model)

    def closure():
        optimizer.zero_grad()
        loss = optimizer.objective(lambda: sum(p.sum() for p in model.parameters()) * 0.0)
        loss.backward()
        assert_same(values(model), before)
        return loss

    assert optimizer.step(closure).item() == 0.0
    assert_same(values(model), before)


@FORMS
@pytest.mark.parametrize("failing_pass", [1, 2])
def test_a_gradient_that_is_not_finite_skips_the_step(form, failing_pass, data):
    model = mlp()
    optimizer = RenyiSAM(model.named_parameters(), SGD, form=form, lr=0.1)
    closure, before, calls = closure_of(model, optimizer, data), values(model), []

    def spoiling():
        calls.append(closure())
        if len(calls) == failing_pass:
            model[0].weight.grad[0, 0] = math.nan
        return calls[-1]

    with pytest.warns(RuntimeWarning, match="step skipped"):
        optimizer.step(spoiling)
    assert_same(values(model), before)
    assert len(train(model, optimizer, data, 1)) == 1


def test_a_second_pass_without_the_objective_is_refused(data):
    model = mlp()
    optimizer = RenyiSAM(model.named_parameters(), SGD, form="gradient", lr=0.1)
    before = values(model)
    with pytest.raises(RuntimeError, match="has not called objective"):
        optimizer.step(models.closure_of(model, optimizer, data))
    assert_same(values(model), before)
    assert not optimizer.is_perturbed
    assert len(train(model, optimizer, data, 1)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 1.0}, "alpha must not be 1"),
        ({"alpha": 0.0}, "alpha must be positive and finite, got 0.0"),
        ({"strength": -1.0}, "strength must be positive"),
        ({"max_radius": math.inf}, "max_radius must be positive and finite, got inf"),
        ({"form": "exact"}, "'published' or 'gradient', got 'exact'"),
    ],
)
def test_what_has_no_meaning_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RenyiSAM(mlp().named_parameters(), SGD, lr=0.1, **options)
