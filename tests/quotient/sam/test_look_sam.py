"""LookSAM, against the algorithm as it is printed."""

import copy

import pytest
import torch
from torch import Tensor

from quotient import Euclidean, RiemannianSAM
from tests.quotient.sam.models import RADIUS, SGD, assert_same, smooth_mlp, train, values

pytestmark = pytest.mark.usefixtures("float64")


def test_it_reproduces_the_printed_algorithm(data):
    """[Liu2022, Algorithm 1], on flattened vectors, with plain gradient descent."""
    ours = smooth_mlp()
    theirs = copy.deepcopy(ours)
    optimizer = RiemannianSAM(ours.named_parameters(), Euclidean(), SGD, radius=RADIUS, every=3, reuse=0.7, lr=0.1)
    train(ours, optimizer, data, 8)

    parameters = list(theirs.parameters())
    w = torch.nn.utils.parameters_to_vector(parameters).detach()

    def gradient(at: Tensor) -> Tensor:
        torch.nn.utils.vector_to_parameters(at, parameters)
        loss = torch.nn.functional.cross_entropy(theirs(data[0]), data[1])
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters)])

    for t in range(8):
        g = gradient(w)
        if t % 3 == 0:
            g_s = gradient(w + RADIUS * g / g.norm())
            cosine = g_s @ g / (g_s.norm() * g.norm())
            g_v = g_s - g_s.norm() * cosine * g / g.norm()
        else:
            g_s = g + 0.7 * g.norm() / g_v.norm() * g_v
        w = w - 0.1 * g_s
    torch.nn.utils.vector_to_parameters(w, parameters)
    assert_same(values(ours), values(theirs), atol=1e-12)


def test_what_is_reused_is_in_the_checkpoint(data):
    def make(model: torch.nn.Module) -> RiemannianSAM:
        return RiemannianSAM(model.named_parameters(), Euclidean(), SGD, every=4, reuse=0.7, lr=0.1)

    model = smooth_mlp()
    optimizer = make(model)
    train(model, optimizer, data, 2)
    resumed = copy.deepcopy(model)
    again = make(resumed)
    again.load_state_dict(optimizer.state_dict())
    assert train(resumed, again, data, 5) == train(model, optimizer, data, 5)


def test_a_zero_gradient_is_reused_as_nothing():
    model = smooth_mlp()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, every=2, reuse=0.7, lr=0.1)
    before = values(model)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = sum(p.sum() for p in model.parameters()) * 0.0
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    assert_same(values(model), before)


def test_riemannian_mode_reuses_nothing():
    with pytest.raises(ValueError, match="neither reuse nor local"):
        RiemannianSAM(smooth_mlp().named_parameters(), Euclidean(), SGD, mode="riemannian", reuse=0.5, lr=0.1)
