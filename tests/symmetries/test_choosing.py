"""Choices by positions and by values: what is chosen may be scaled, what the choice sees may not change it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmetries import audit, detect, verify


class Layers(nn.Module):
    """Linear layers and what is done with them."""

    def __init__(self, forward, **widths):
        super().__init__()
        self.layers = nn.ModuleDict({name: nn.Linear(*width) for name, width in widths.items()})
        self.forward_with = forward

    def forward(self, x):
        return self.forward_with(self.layers, x)


NEIGHBOURS = torch.tensor([[0, 1, 2, 3, 1, 2], [1, 2, 3, 0, 0, 1]])


def graph(gathered):
    """One round of message passing, the messages summed in one of several ways."""

    def forward(layers, x):
        h = F.leaky_relu(layers["a"](x))
        messages = layers["b"](h)[:, NEIGHBOURS[0]]
        return layers["c"](F.leaky_relu(h + gathered(torch.zeros_like(h), messages)))

    return lambda: Layers(forward, a=(3, 5), b=(5, 5), c=(5, 2))


def scattered(zeros, messages):
    index = NEIGHBOURS[1][None, :, None].expand_as(messages)
    return zeros.scatter_add(1, index, messages)


def pooled(pool):
    return lambda: Layers(lambda layers, x: layers["b"](pool(layers["a"](x))), a=(3, 5), b=(5, 2))


def routed(layers, x):
    """Two of three experts by a softmax over all; each expert sees its tokens alone."""
    weights, chosen = layers["router"](x).softmax(-1).topk(2, -1)
    out = torch.zeros(len(x), 2, dtype=x.dtype)
    for i in range(3):
        rows, which = torch.where(chosen == i)
        hidden = F.leaky_relu(layers[f"up{i}"](x[rows]))
        out = out.index_add(0, rows, weights[rows, which][:, None] * layers[f"down{i}"](hidden))
    return out


def mixture():
    experts = {f"up{i}": (4, 5) for i in range(3)} | {f"down{i}": (5, 2) for i in range(3)}
    return Layers(routed, router=(4, 3), **experts)


# model, shape of the inputs, dimension
CASES = {
    "maximum over tokens": (pooled(lambda h: h.amax(1)), (150, 4, 3), 5 + 5),
    "maximum and where": (pooled(lambda h: h.max(1).values), (150, 4, 3), 5 + 5),
    "larger of halves": (
        lambda: Layers(lambda m, x: m["c"](torch.maximum(m["a"](x), m["b"](x))), a=(3, 4), b=(3, 4), c=(4, 2)),
        (200, 3),
        4 + 4 * 4,
    ),
    "rolled tokens": (pooled(lambda h: F.leaky_relu(h).roll(1, 1)), (50, 4, 3), 5),
    "one token of each": (pooled(lambda h: F.leaky_relu(h)[torch.arange(len(h)), 2]), (60, 4, 3), 5),
    "same entry of all": (
        pooled(lambda h: F.leaky_relu(h).gather(1, torch.zeros(len(h), 2, 5, dtype=torch.long))),
        (60, 4, 3),
        5,
    ),
    "routed experts": (mixture, (600, 4), 3 * 5 + 5),  # units of the experts, common shift of the router
}
MISSED = {"maximum over tokens", "maximum and where", "larger of halves"}


@pytest.mark.parametrize("name", sorted(set(CASES) - MISSED))
def test_nothing_is_missed_around_a_choice(name, generator):
    make, shape, dimension = CASES[name]
    torch.manual_seed(0)
    model, x = make().double(), 3 * torch.randn(shape, generator=generator, dtype=torch.float64)
    symmetry = detect(model, x[:200], head="raw")
    found = audit(model, symmetry, x, generator=generator)
    assert (symmetry.dimension, found.unexplained, symmetry.unrecognised) == (dimension, 0, ())
    assert verify(model, symmetry, x, rtol=1e-9, generator=generator) < 1e-9


@pytest.mark.parametrize("name", sorted(MISSED))
def test_a_maximum_keeps_positive_scalings_of_its_units(name, generator):
    make, shape, _ = CASES[name]
    model, x = make().double(), torch.randn(shape, generator=generator, dtype=torch.float64)
    symmetry = detect(model, x, head="raw")
    assert {str(pair.group) for pair in symmetry.pairs} == {"GL(1, R)+"}
    assert verify(model, symmetry, x, rtol=1e-9, generator=generator) < 1e-9


def test_a_router_that_is_read_elsewhere_is_not_shifted(generator):
    """The position of the largest logit does not see a common shift, the logits among the outputs do."""

    class Shown(nn.Module):
        def __init__(self):
            super().__init__()
            self.router, self.table = nn.Linear(4, 3), nn.Embedding(3, 2)

        def forward(self, x):
            scores = self.router(x)
            return self.table(scores.argmax(-1)), scores

    symmetry = detect(Shown().double(), torch.randn(9, 4, dtype=torch.float64), head="raw")
    assert symmetry.dimension == 0


def test_a_number_read_off_the_values_may_not_change(generator):
    """A scale that leaves the program as a number is no constant."""

    def forward(layers, x):
        hidden = layers["a"](x)
        return layers["b"](hidden / hidden.abs().max().item())

    model, x = Layers(forward, a=(3, 5), b=(5, 2)).double(), torch.randn(9, 3, dtype=torch.float64)
    symmetry = detect(model, x, head="raw")
    assert verify(model, symmetry, x, rtol=1e-9, generator=generator) < 1e-9


def test_a_token_that_is_the_same_for_all_inputs_is_cut_from_among_the_others(generator):
    """The token has no batch of its own: the piece that is cut out is broadcast along it."""

    class Registers(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.extra = nn.Parameter(torch.randn(1, 1, 4)), nn.Parameter(torch.randn(1, 2, 4))
            self.position, self.head = nn.Parameter(torch.randn(1, 4, 4)), nn.Linear(4, 2)

        def forward(self, x):
            x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.position
            x = torch.cat([x[:, :1], self.extra.expand(len(x), -1, -1), x[:, 1:]], 1)
            return self.head(torch.tanh(x[:, 0])), x[:, 3:]

    model, x = Registers().double(), torch.randn(9, 3, 4, generator=generator, dtype=torch.float64)
    symmetry = detect(model, x, head="raw")
    assert symmetry.dimension == 4  # the token against its position
    assert verify(model, symmetry, x, rtol=1e-9, generator=generator) < 1e-9
