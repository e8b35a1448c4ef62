"""Micro-batches: equal to the large batch, and m-sharpness."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quotient import Euclidean, Quotient, RiemannianSAM
from symmetries import declare, relu_rescaling
from tests.quotient.sam.models import RADIUS, SGD, assert_same, mlp, smooth_mlp, train, values

pytestmark = pytest.mark.usefixtures("float64")

ROUNDING = 1e-12  # of sums in another order, over ten steps


def pieces(data: tuple[Tensor, Tensor], sizes: list[int]) -> list[tuple[Tensor, Tensor]]:
    return list(zip(data[0].split(sizes), data[1].split(sizes), strict=True))


def loss_of(model: nn.Module):
    return lambda batch: F.cross_entropy(model(batch[0]), batch[1])


@pytest.mark.parametrize("sizes", [[12], [4, 4, 4], [6, 4, 2]])
def test_accumulated_micro_batches_are_the_large_batch(sizes, make, data):
    model = mlp()
    twin = copy.deepcopy(model)
    expected = train(model, make(model), data, 10)
    optimizer, batches = make(twin), pieces(data, sizes)
    weights = None if len(set(sizes)) == 1 else [size / 12 for size in sizes]
    losses = [optimizer.step(loss_of(twin), batches, weights=weights).item() for _ in range(10)]
    assert losses == pytest.approx(expected, rel=ROUNDING)
    assert_same(values(twin), values(model), atol=ROUNDING)


def test_micro_batches_may_come_from_a_generator_and_are_swept_twice(make, data):
    model = mlp()
    optimizer, seen = make(model), []

    def loss_fn(batch: tuple[Tensor, Tensor]) -> Tensor:
        seen.append((len(batch[0]), optimizer.is_perturbed))
        return loss_of(model)(batch)

    optimizer.step(loss_fn, (batch for batch in pieces(data, [8, 4])))
    assert seen == [(8, False), (4, False), (8, True), (4, True)]


@pytest.mark.parametrize("arguments", [{"micro_batches": []}, {"micro_batches": [1, 2], "weights": [1.0]}])
def test_micro_batches_without_a_weight_each_are_refused(arguments, make):
    model = mlp()
    with pytest.raises(ValueError, match="micro-batches, each with a weight"):
        make(model).step(loss_of(model), **arguments)


def test_m_sharpness_averages_gradients_at_points_of_their_own(data):
    ours = smooth_mlp()
    theirs = copy.deepcopy(ours)
    batches = pieces(data, [4, 4, 4])
    optimizer = RiemannianSAM(ours.named_parameters(), Euclidean(), SGD, radius=RADIUS, lr=0.1)
    plain = SGD(theirs.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.step(loss_of(ours), batches, m_sharpness=True)
        total = [torch.zeros_like(p) for p in theirs.parameters()]
        for batch in batches:
            away = copy.deepcopy(theirs)
            gradient = torch.autograd.grad(loss_of(theirs)(batch), list(theirs.parameters()))
            norm = torch.cat([g.flatten() for g in gradient]).norm()
            for p, g in zip(away.parameters(), gradient, strict=True):
                p.data += RADIUS * g / norm
            for t, g in zip(total, torch.autograd.grad(loss_of(away)(batch), list(away.parameters())), strict=True):
                t += g / 3
        for p, t in zip(theirs.parameters(), total, strict=True):
            p.grad = t
        plain.step()
        assert_same(values(ours), values(theirs), atol=ROUNDING)


def test_m_sharpness_of_one_micro_batch_is_the_plain_step(make, data):
    model = mlp()
    twin = copy.deepcopy(model)
    expected = train(model, make(model), data, 5)
    optimizer = make(twin)
    losses = [optimizer.step(loss_of(twin), [data], m_sharpness=True).item() for _ in range(5)]
    assert losses == pytest.approx(expected, rel=ROUNDING)
    assert_same(values(twin), values(model), atol=ROUNDING)


def test_m_sharpness_in_riemannian_mode_belongs_to_the_orbit(data):
    model = mlp()
    symmetry = declare(model, relu_rescaling("0", "2"))
    moved = copy.deepcopy(model)
    g = symmetry.random(torch.Generator().manual_seed(1), condition=30.0)
    moved.load_state_dict(symmetry.act(g, {n: p.detach() for n, p in model.named_parameters()}))
    runs = []
    for m in (model, moved):
        optimizer = RiemannianSAM(m.named_parameters(), Quotient(symmetry), SGD, mode="riemannian", lr=0.05)
        batches = pieces(data, [6, 6])
        runs.append(torch.stack([optimizer.step(loss_of(m), batches, m_sharpness=True) for _ in range(20)]))
    assert (runs[0] - runs[1]).abs().max() < 1e-10
