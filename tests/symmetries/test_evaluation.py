"""A model at other parameters: what is tied follows, and the model stays as it was."""

import pytest
import torch
from torch import nn

from symmetries import detect, evaluate_at


class Twice(nn.Module):
    """One module under two names, one parameter in two modules, a buffer."""

    def __init__(self):
        super().__init__()
        self.first = self.second = nn.Linear(3, 3)
        self.norm, self.head = nn.BatchNorm1d(3), nn.Linear(3, 3, bias=False)
        self.head.weight = self.first.weight

    def forward(self, x, *, scale=1.0):
        return scale * self.head(self.norm(self.second(self.first(x))))


@pytest.fixture
def model(float64):
    return Twice().eval()


def test_every_place_holds_what_is_given(model):
    weight, bias, mean = torch.randn(3, 3), torch.randn(3), torch.randn(3)
    x = torch.randn(4, 3)
    got = evaluate_at(model, {"first.weight": weight, "first.bias": bias, "norm.running_mean": mean}, (x,))
    y = (x @ weight.T + bias) @ weight.T + bias
    deviation = (1 + model.norm.eps) ** 0.5
    torch.testing.assert_close(got, ((y - mean) / deviation) @ weight.T)


def test_model_stays_as_it_was(model):
    before = {name: (id(p), p.clone()) for name, p in model.named_parameters(remove_duplicate=False)}
    evaluate_at(model, {name: torch.zeros_like(p) for name, p in model.named_parameters()}, (torch.randn(4, 3),))
    after = dict(model.named_parameters(remove_duplicate=False))
    assert after.keys() == before.keys()
    assert all(isinstance(p, nn.Parameter) and id(p) == before[name][0] for name, p in after.items())
    assert all(torch.equal(p, before[name][1]) for name, p in after.items())


def test_detection_leaves_a_shared_module_trainable(model):
    detect(model, torch.randn(2, 3))
    assert [name for name, p in model.named_parameters() if p.requires_grad] == [
        "first.weight",
        "first.bias",
        "norm.weight",
        "norm.bias",
    ]


def test_gradients_reach_a_tied_parameter_from_every_place(model):
    x, weight = torch.randn(4, 3), model.first.weight.detach().clone().requires_grad_()
    (expected,) = torch.autograd.grad(model(x, scale=2.0).sum(), model.first.weight)
    (got,) = torch.autograd.grad(evaluate_at(model, {"first.weight": weight}, (x,), {"scale": 2.0}).sum(), weight)
    torch.testing.assert_close(got, expected)


def test_unknown_name_is_an_error(model):
    with pytest.raises(AttributeError, match="third"):
        evaluate_at(model, {"third.weight": torch.zeros(3, 3)}, (torch.randn(4, 3),))
