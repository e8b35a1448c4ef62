"""Trajectory losses, against their formulas."""

import copy

import pytest
import torch
from torch.nn import functional as F

from quotient import MESA, SAF, trajectory_loss
from tests.quotient.sam.models import ADAMW, smooth_mlp

pytestmark = pytest.mark.usefixtures("float64")


def test_the_loss_is_the_divergence_of_softened_distributions(generator):
    now, past = (torch.randn(5, 3, generator=generator, requires_grad=True) for _ in range(2))
    p, q = ((z / 2.0).softmax(-1) for z in (past, now))
    expected = 4.0 * (p * (p.log() - q.log())).sum(-1).mean()
    loss = trajectory_loss(now, past, temperature=2.0)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert past.grad is None
    assert now.grad.abs().max() > 0
    assert abs(trajectory_loss(now, now).item()) < 1e-15


@pytest.mark.parametrize(("shape", "temperature", "message"), [((5, 4), 1.0, "one shape"), ((5, 3), 0.0, "positive")])
def test_what_cannot_be_compared_is_refused(shape, temperature, message):
    with pytest.raises(ValueError, match=message):
        trajectory_loss(torch.zeros(5, 3), torch.zeros(shape), temperature=temperature)


def test_saf_compares_with_the_logits_of_some_epochs_ago(generator):
    saf = SAF(examples=6, classes=3, epochs=2, weight=0.5).double()
    said = torch.randn(5, 6, 3, generator=generator)
    for epoch in range(5):
        for index in torch.randperm(6, generator=generator).split(2):
            penalty = saf(said[epoch, index], index)
            past = said[epoch - 2, index] if epoch >= 2 else said[epoch, index]
            torch.testing.assert_close(penalty, 0.5 * trajectory_loss(said[epoch, index], past))
        saf.next_epoch()


def test_mesa_compares_with_a_moving_average(data):
    model = smooth_mlp()
    mesa = MESA(model, decay=0.9, weight=0.5)
    average = copy.deepcopy(model)
    optimizer = ADAMW(model.parameters(), lr=0.05)
    mesa.update(model)  # the first update copies
    for _ in range(4):
        optimizer.zero_grad()
        logits = model(data[0])
        penalty = mesa(logits, data[0])
        torch.testing.assert_close(penalty, 0.5 * trajectory_loss(logits, average(data[0])))
        (F.cross_entropy(logits, data[1]) + penalty).backward()
        optimizer.step()
        mesa.update(model)
        for a, p in zip(average.parameters(), model.parameters(), strict=True):
            a.data.mul_(0.9).add_(p.detach(), alpha=0.1)
    assert all(p.grad is None for p in mesa.parameters())


def test_both_resume_from_a_checkpoint(data):
    model = smooth_mlp()
    mesa, saf = MESA(model), SAF(examples=12, classes=3, epochs=1)
    saf(model(data[0]), torch.arange(12))
    saf.next_epoch()
    again, saf_again = MESA(smooth_mlp()), SAF(examples=12, classes=3, epochs=1)
    again.load_state_dict(mesa.state_dict())
    saf_again.load_state_dict(saf.state_dict())
    logits = smooth_mlp()(data[0])
    assert torch.equal(mesa(logits, data[0]), again(logits, data[0]))
    assert torch.equal(saf(logits, torch.arange(12)), saf_again(logits, torch.arange(12)))
