import pytest
import torch
from torch import nn

from measures import EmpiricalLoss
from measures.published.examples import ExampleGradients, examples
from quotient import Euclidean, combined


def cross_entropy(model, batch):
    return nn.functional.cross_entropy(model(batch["x"]), batch["y"])


def uneven(generator, sizes=(2, 5)):
    """Batches of unequal size: an example of the smaller one counts for more."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    batches = [
        {"x": torch.randn(n, 3, generator=generator), "y": torch.randint(2, (n,), generator=generator)} for n in sizes
    ]
    loss = EmpiricalLoss(model, cross_entropy, batches)
    return loss, {name: p.detach() for name, p in model.named_parameters()}


def test_the_loss_is_the_weighted_sum_over_examples(float64, generator):
    loss, params = uneven(generator)
    shares = [share for share, _ in examples(loss)]
    assert shares == pytest.approx([1 / 4] * 2 + [1 / 10] * 5)
    total = sum(share * example(params) for share, example in examples(loss))
    torch.testing.assert_close(total, loss(params))


def test_weighted_gradients_of_examples_add_up_to_the_gradient(float64, generator):
    loss, params = uneven(generator)
    gradients = ExampleGradients.of(loss, params, Euclidean())
    total = tuple(torch.zeros_like(p) for p in params.values())
    for i, (share, _) in enumerate(gradients.losses):
        total = combined(total, share**0.5, gradients[i])
    torch.testing.assert_close(dict(zip(params, total, strict=True)), loss.gradient(params))


def test_parameters_that_are_fixed_stay_fixed(float64, generator):
    loss, params = uneven(generator)
    part, chosen = loss.restricted(params, ["2.*"])
    moved = {name: 2 * p for name, p in chosen.items()}
    total = sum(share * example(moved) for share, example in examples(part))
    torch.testing.assert_close(total, loss(params | moved))
    assert len(ExampleGradients.of(part, chosen, Euclidean())[0]) == 2


def test_batches_without_one_first_axis_are_refused(float64):
    model = nn.Linear(1, 1)
    loss = EmpiricalLoss(model, lambda f, b: f(b[0]).mean(), [(torch.ones(3, 1), torch.ones(2))])
    with pytest.raises(ValueError, match=r"one length for all tensors of a batch, got lengths \[2, 3\]"):
        examples(loss)
