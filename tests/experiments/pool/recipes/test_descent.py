from itertools import islice, repeat

import pytest
import torch
from torch import nn

from experiments.pool.recipes.descent import Descent, shuffled
from quotient import Euclidean, RiemannianSAM


class Valley(nn.Module):
    """The loss ``w^2``, which gradient descent at rate 1/4 halves the root of in every step, from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))

    def forward(self) -> torch.Tensor:
        return self.w.square().sum()


def descend(descent: Descent, model: Valley, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    return descent.run(model, optimizer, lambda batch: model(), repeat(None), lambda: model().item())


def test_it_stops_where_the_loss_is_first_small_enough():
    model = Valley()
    run = descend(Descent(4.0**-5, steps=100, every=1), model, torch.optim.SGD(model.parameters(), lr=0.25))
    assert run == {"steps": 5}
    assert model.w.item() == 2.0**-5


def test_it_looks_only_every_so_many_steps():
    model = Valley()
    run = descend(Descent(4.0**-5, steps=100, every=4), model, torch.optim.SGD(model.parameters(), lr=0.25))
    assert run == {"steps": 8}


def test_an_optimizer_that_evaluates_twice_makes_as_many_steps():
    model = Valley()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), torch.optim.SGD, radius=1e-9, lr=0.25)
    assert descend(Descent(4.0**-5 * (1 + 1e-6), steps=100, every=1), model, optimizer) == {"steps": 5}


def test_steps_are_taken_in_training_mode_and_the_loss_is_asked_in_evaluation_mode():
    model, modes = Valley(), []

    def loss(_):
        modes.append(model.training)
        return model()

    def reached():
        assert not torch.is_grad_enabled()
        modes.append(model.training)
        return 1.0 if len(modes) < 4 else 0.0

    Descent(0.5, steps=100, every=1).run(
        model, torch.optim.SGD(model.parameters(), lr=0.1), loss, repeat(None), reached
    )
    assert modes == [True, False] * 2


@pytest.mark.parametrize(("rate", "words"), [(1e-3, "after 20 steps, expected 0.1 at most"), (1e200, "is inf|is nan")])
def test_a_run_that_does_not_arrive_says_how_far_it_came(rate, words):
    model = Valley()
    with pytest.raises(FloatingPointError, match=words):
        descend(Descent(0.1, steps=20, every=1), model, torch.optim.SGD(model.parameters(), lr=rate))


def test_every_order_holds_every_example_once(generator):
    batches = list(islice(shuffled(10, 4, generator), 6))
    assert [len(batch) for batch in batches] == [4, 4, 2] * 2
    first, second = torch.cat(batches[:3]), torch.cat(batches[3:])
    assert first.sort().values.equal(torch.arange(10))
    assert second.sort().values.equal(torch.arange(10))
    assert not first.equal(second)
