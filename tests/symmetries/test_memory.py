"""Writes into memory that tensors share: detection reads and tries the program that the model runs."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmetries import detect, verify


class Writes(nn.Module):
    """A hidden layer that is changed in place, in one of several ways, before a leaky ReLU."""

    def __init__(self, how):
        super().__init__()
        self.a, self.b, self.how = nn.Linear(3, 6), nn.Linear(6, 2), how

    def forward(self, x):
        return self.b(F.leaky_relu(self.how(self.a(x))))


def squashed_half(h):
    h[:, :3].tanh_()
    return h


def doubled_through_another_view(h):
    half = h.unflatten(-1, (2, 3))[:, 1]
    kept = h[:, 3:]
    half.mul_(2.0)
    return torch.cat([h[:, :3], kept], -1)


def copied_into_new_memory(h):
    new = torch.empty_like(h)
    new[:, ::2], new[:, 1::2] = h[:, 1::2], h[:, ::2]
    return new


def through_pieces(h):
    first, second = h.split(3, -1)
    first.add_(second.unbind(-1)[0].unsqueeze(-1) * 0)
    return h.t().t()


def in_place(h):
    return h.mul_(2.0).add_(h, alpha=0.5)


# how the hidden layer is changed, and how many dimensions of its rescaling are found: halves that are interleaved share
# theirs
CASES = [(doubled_through_another_view, 6), (copied_into_new_memory, 3), (in_place, 6)]


@pytest.mark.parametrize(("how", "dimension"), CASES)
def test_units_are_followed_through_writes(how, dimension, generator):
    model, x = Writes(how).double(), torch.randn(20, 3, generator=generator, dtype=torch.float64)
    symmetry = detect(model, x, head="raw")
    assert (symmetry.dimension, symmetry.unrecognised) == (dimension, ())
    assert verify(model, symmetry, x, rtol=1e-9, generator=generator) < 1e-9


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("how", [squashed_half, through_pieces])
def test_a_write_that_breaks_the_rescaling_of_some_units_is_seen(how, generator):
    """Whoever takes the write for one into other memory rescales units whose tanh is taken."""
    model, x = Writes(how).double(), torch.randn(20, 3, generator=generator, dtype=torch.float64)
    symmetry = detect(model, x, head="raw")
    assert symmetry.dimension < 6
    assert verify(model, symmetry, x, rtol=1e-9, generator=generator) < 1e-9


def test_buffers_are_left_as_they_were():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 2)
            self.register_buffer("count", torch.zeros(1, dtype=torch.float64))

        def forward(self, x):
            self.count += 1
            return self.a(x) + self.count

    model = Counting().double()
    detect(model, torch.randn(2, 3, dtype=torch.float64))
    assert model.count.item() == 0
