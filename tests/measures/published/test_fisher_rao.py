import pytest
import torch
from torch import nn

from measures import EmpiricalLoss
from measures.published.fisher_rao import fisher_rao_norm


def classifier(generator, *, bias, activation=nn.ReLU):
    model = nn.Sequential(
        nn.Linear(4, 6, bias=bias), activation(), nn.Linear(6, 5, bias=bias), activation(), nn.Linear(5, 3, bias=bias)
    )
    data = [(torch.randn(7, 4, generator=generator), torch.randint(3, (7,), generator=generator)) for _ in range(2)]
    loss = EmpiricalLoss(model, lambda f, b: nn.functional.cross_entropy(f(b[0]), b[1]), data)
    return loss, {name: p.detach() for name, p in model.named_parameters()}


def test_it_is_the_quadratic_form_of_the_fisher_matrix(float64, generator):
    loss, params = classifier(generator, bias=True, activation=nn.Tanh)
    theta = torch.cat([p.flatten() for p in params.values()])
    fisher = torch.zeros(len(theta), len(theta))
    for x, y in ((x, y) for batch in loss.batches for x, y in zip(*batch, strict=True)):
        leaves = {name: p.clone().requires_grad_() for name, p in params.items()}
        value = nn.functional.cross_entropy(torch.func.functional_call(loss.model, leaves, (x,)), y)
        g = torch.cat([part.flatten() for part in torch.autograd.grad(value, list(leaves.values()))])
        fisher += torch.outer(g, g) / 14
    assert fisher_rao_norm(loss, params).value == pytest.approx((theta @ fisher @ theta).sqrt().item(), rel=1e-10)


def test_labels_of_the_model_are_averaged_over(float64, generator):
    loss, params = classifier(generator, bias=True, activation=nn.Tanh)
    total = 0.0
    for x, _ in loss.batches:
        leaves = {name: p.clone().requires_grad_() for name, p in params.items()}
        for row in torch.func.functional_call(loss.model, leaves, (x,)).log_softmax(-1):
            for log_probability in row:
                parts = torch.autograd.grad(log_probability, list(leaves.values()), retain_graph=True)
                slope = sum((g * p).sum() for g, p in zip(parts, params.values(), strict=True))
                total += (log_probability.exp() * slope**2).item() / 14
    assert fisher_rao_norm(loss, params, labels="model").value == pytest.approx(total**0.5, rel=1e-10)
    assert abs(fisher_rao_norm(loss, params).value / total**0.5 - 1) > 0.01


def test_without_biases_it_is_known_from_the_outputs(float64, generator):
    """[Liang2019]: three layers of degree one, so that every pairing is three times that of the outputs."""
    loss, params = classifier(generator, bias=False)
    squares = []
    for x, y in loss.batches:
        outputs = torch.func.functional_call(loss.model, params, (x,))
        slope = outputs.softmax(-1) - nn.functional.one_hot(y, 3)
        squares.append((slope * outputs).sum(-1).square())
    expected = 3 * torch.cat(squares).mean().sqrt()
    assert fisher_rao_norm(loss, params).value == pytest.approx(expected.item(), rel=1e-10)


def test_shifting_a_bias_into_the_next_one_moves_it_and_scaling_neurons_does_not(float64, generator):
    loss, params = classifier(generator, bias=True, activation=nn.Identity)
    value = fisher_rao_norm(loss, params).value
    scales = torch.linspace(0.1, 10, 6)
    scaled = params | {
        "0.weight": params["0.weight"] * scales[:, None],
        "0.bias": params["0.bias"] * scales,
        "2.weight": params["2.weight"] / scales,
    }
    shifted = params | {"0.bias": params["0.bias"] + 1, "2.bias": params["2.bias"] - params["2.weight"].sum(1)}
    for moved in (scaled, shifted):
        torch.testing.assert_close(loss(moved), loss(params))
    assert fisher_rao_norm(loss, scaled).value == pytest.approx(value, rel=1e-10)
    assert abs(fisher_rao_norm(loss, shifted).value / value - 1) > 0.01


def test_other_labels_are_refused(float64, generator):
    with pytest.raises(ValueError, match="'data' or 'model', got 'random'"):
        fisher_rao_norm(*classifier(generator, bias=True), labels="random")
