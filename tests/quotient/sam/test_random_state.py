"""Dropout masks, drawn again in the second pass."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quotient import Euclidean, RandomState, RiemannianSAM
from tests.quotient.sam.models import SGD, Data, closure_of

pytestmark = pytest.mark.usefixtures("float64")


class Masked(nn.Module):
    """Keeps the masks it has drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 3)
        self.masks: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.masks.append(F.dropout(torch.ones(len(x), 6), 0.5))
        return self.last(self.masks[-1] * torch.tanh(self.first(x)))


def optimizer_of(model: nn.Module) -> RiemannianSAM:
    return RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=0.1)


def test_the_second_pass_draws_the_masks_of_the_first(data):
    model = Masked()
    optimizer = optimizer_of(model)
    for _ in range(2):
        optimizer.step(closure_of(model, optimizer, data))
    first, again, other, other_again = model.masks
    assert torch.equal(first, again)
    assert torch.equal(other, other_again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("m_sharpness", [False, True])
def test_every_micro_batch_gets_its_masks_again(m_sharpness, data: Data):
    model = Masked()
    batches = list(zip(data[0].split(6), data[1].split(6), strict=True))
    optimizer_of(model).step(lambda batch: F.cross_entropy(model(batch[0]), batch[1]), batches, m_sharpness=m_sharpness)
    masks = model.masks[:2] + model.masks[2:] if not m_sharpness else model.masks[::2] + model.masks[1::2]
    assert torch.equal(masks[0], masks[2])
    assert torch.equal(masks[1], masks[3])
    assert not torch.equal(masks[0], masks[1])


def test_halves_draw_the_same_masks_inside_their_contexts(data):
    model = Masked()
    optimizer = optimizer_of(model)
    closure = closure_of(model, optimizer, data)
    with optimizer.unperturbed():
        closure()
    torch.rand(3)  # what others draw in between does not matter
    with optimizer.perturbed():
        closure()
    optimizer.step()
    assert torch.equal(*model.masks)


def test_two_passes_leave_the_generator_where_one_would(data):
    model = Masked()
    optimizer = optimizer_of(model)
    start = torch.get_rng_state()
    optimizer.step(closure_of(model, optimizer, data))
    after = torch.rand(3)
    torch.set_rng_state(start)
    model(data[0])
    assert torch.equal(torch.rand(3), after)


def test_an_exception_during_the_replay_leaves_the_generator_where_it_was():
    state = RandomState.capture([torch.zeros(1)])
    torch.rand(5)
    expected = torch.get_rng_state()
    with pytest.raises(KeyError), state.replayed():
        raise KeyError
    assert torch.equal(torch.get_rng_state(), expected)
