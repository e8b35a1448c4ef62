"""Detection on blocks that no list of architectures names: closed forms, and the null space by audit."""

import pytest
import torch
from torch import nn

from symmetries import Rescaling, audit, detect, verify
from symmetries.factor import COUNTED


class Temperature(nn.Module):
    """Attention with one head and a learned temperature."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(6, 6, bias=False) for _ in range(4))
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, x):
        scores = self.temperature * (self.q(x) @ self.k(x).mT)
        return self.o(scores.softmax(-1) @ self.v(x))


class Branch(nn.Module):
    """A residual branch with a learned number before it, used ``times`` times."""

    def __init__(self, times=1):
        super().__init__()
        self.up, self.down, self.out = nn.Linear(6, 7), nn.Linear(7, 6), nn.Linear(6, 3)
        self.number, self.times = nn.Parameter(torch.ones(1)), times

    def forward(self, x):
        branch = self.down(torch.tanh(self.up(x)))
        for _ in range(self.times):
            branch = self.number * branch
        return self.out(torch.tanh(x + branch))


class TwiceScaled(nn.Module):
    """A number that multiplies two maps."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False)
        self.number = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return torch.tanh(self.number * self.two(torch.tanh(self.number * self.one(x))))


class SeparateHeads(nn.Module):
    """Heads as modules of their own, joined before the output map."""

    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList(nn.ModuleDict({part: nn.Linear(6, 3) for part in "qkv"}) for _ in range(3))
        self.o = nn.Linear(9, 6)

    def forward(self, x):
        found = []
        for head in self.heads:
            scores = head["q"](x) @ head["k"](x).mT
            found.append(scores.softmax(-1) @ head["v"](x))
        return self.o(torch.cat(found, -1))


class ScaledValues(nn.Module):
    """Attention whose values are multiplied by a trained vector: a change of basis of a head passes through it."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(6, 6, bias=False) for _ in range(4))
        self.gain = nn.Parameter(torch.ones(6))

    def forward(self, x):
        q, k, v = (f.unflatten(-1, (2, 3)).transpose(1, 2) for f in (self.q(x), self.k(x), self.gain * self.v(x)))
        return self.o(((q @ k.mT).softmax(-1) @ v).transpose(1, 2).flatten(2))


class ComplexRotary(nn.Module):
    """Queries of two heads and one key, read as complex numbers and turned by their positions."""

    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Linear(6, 8, bias=False), nn.Linear(6, 4, bias=False)
        self.v, self.o = nn.Linear(6, 4, bias=False), nn.Linear(8, 6, bias=False)
        angles = torch.outer(torch.arange(5.0), torch.tensor([1.0, 0.3])).double()
        self.register_buffer("turns", torch.polar(torch.ones_like(angles), angles))

    def turned(self, x):
        planes = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(planes * self.turns[None, : x.shape[1], None]).flatten(3)

    def forward(self, x):
        q = self.turned(self.q(x).view(*x.shape[:2], 2, 4)).transpose(1, 2)
        k = self.turned(self.k(x).view(*x.shape[:2], 1, 4)).transpose(1, 2).expand(-1, 2, -1, -1)
        mixed = (q @ k.mT).softmax(-1) @ self.v(x)[:, None]
        return self.o(mixed.transpose(1, 2).flatten(2))


class PartlyRotary(nn.Module):
    """Four of six channels are turned by their positions, as halves; queries are scaled after all are joined."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(6, 6, bias=False) for _ in range(4))
        angles = torch.outer(torch.arange(5.0), torch.tensor([1.0, 0.3, 1.0, 0.3])).double()
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def turned(self, x):
        planes, plain = x[..., :4], x[..., 4:]
        first, second = planes.chunk(2, -1)
        quarter = torch.cat([-second, first], -1)
        return torch.cat([planes * self.cos[: x.shape[1]] + quarter * self.sin[: x.shape[1]], plain], -1)

    def forward(self, x):
        scores = 0.4 * self.turned(self.q(x)) @ self.turned(self.k(x)).mT
        return self.o(scores.softmax(-1) @ self.v(x))


class ComplexPower(nn.Module):
    """Complex numbers that are squared, which no plane survives."""

    def __init__(self):
        super().__init__()
        self.q = nn.Linear(6, 8, bias=False)

    def forward(self, x):
        planes = torch.view_as_complex(self.q(x).reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(planes * planes).flatten(1)


class Modulated(nn.Module):
    """An adaptive LayerNorm: shift, one plus a scale, and a gate are computed from a condition."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(6, elementwise_affine=False)
        self.condition, self.up, self.down = nn.Linear(3, 18), nn.Linear(6, 7), nn.Linear(7, 6)

    def forward(self, x):
        condition, x = x[:, :3], x[:, 3:]
        shift, scale, gate = self.condition(condition).chunk(3, -1)
        return torch.tanh(x + gate * self.down(torch.tanh(self.up(self.norm(x) * (1 + scale) + shift))))


class Recurrent(nn.Module):
    """A recurrent layer: every gate adds two biases, at every step."""

    def __init__(self, kind):
        super().__init__()
        self.layer, self.out = kind(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.layer(x)[0])


class ReadTwice(nn.Module):
    """The same hidden units read as a matrix, and then as they are."""

    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(6, 8), nn.Linear(6, 3)

    def forward(self, x):
        hidden = self.up(x)
        pairs = nn.functional.leaky_relu(hidden[:, 1:7].reshape(-1, 2, 3)).flatten(1)
        return torch.cat([self.down(pairs), torch.tanh(hidden[:, 1:7]), torch.tanh(hidden[:, :1])], -1)


class Shared(nn.Module):
    """One table of tokens for two streams, each with positions of its own; a factor of one and a term of zero."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(5, 6)
        self.first, self.second = nn.Parameter(torch.randn(4, 6)), nn.Parameter(torch.randn(4, 6))

    def forward(self, x):
        tokens = 1.0 * self.tokens(x.argmax(-1)) + 0.0
        streams = tokens + self.first, tokens.flip(1) + self.second
        return torch.cat([nn.functional.rms_norm(stream, (6,), eps=1e-3) for stream in streams], -1)


class Skip(nn.Module):
    """A hidden layer beside the input, both read by one map."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(6, 5), nn.Linear(6 + 5, 4)

    def forward(self, x):
        return self.out(torch.cat([x, nn.functional.leaky_relu(self.hidden(x))], -1))


class Diagonals(nn.Module):
    """Two trained diagonals around fixed factors, with a rectifier between them where asked for ([Kopiczko2024])."""

    def __init__(self, rectified=False):
        super().__init__()
        self.inner, self.outer = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(5))
        self.rectified = rectified
        draws = torch.Generator().manual_seed(3)
        self.register_buffer("down", torch.randn(3, 6, generator=draws))
        self.register_buffer("up", torch.randn(5, 3, generator=draws))

    def forward(self, x):
        hidden = self.inner * (x @ self.down.mT)
        hidden = torch.relu(hidden) if self.rectified else hidden
        return torch.tanh(self.outer * (hidden @ self.up.mT))


class Magnitudes(nn.Module):
    """Weight decomposition as it is written beside a frozen map: a result and a correction of it ([Liu2024])."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(7))
        self.a, self.b = nn.Parameter(torch.randn(2, 6)), nn.Parameter(torch.randn(4, 2))
        draws = torch.Generator().manual_seed(3)
        self.register_buffer("base", torch.randn(4, 6, generator=draws))
        self.register_buffer("out", torch.randn(7, 4, generator=draws))

    def forward(self, x):
        norm = torch.linalg.norm(self.base + self.b @ self.a, dim=1).detach()
        gain, result = self.inner / norm, x @ self.base.mT
        hidden = result + ((gain - 1) * result + gain * (x @ self.a.mT @ self.b.mT))
        final = hidden @ self.out.mT
        return torch.tanh(final + (self.outer - 1) * final)


# module, shape of an input, dimension
CASES = {
    "temperature": (Temperature, (4, 6), 6**2 + 6**2 + 1),
    "residual branch": (Branch, (6,), 1),
    "residual branch, scaled twice": (lambda: Branch(times=2), (6,), 1),
    "number in two places": (TwiceScaled, (6,), 2 - 1),
    "separate heads": (SeparateHeads, (4, 6), 3 * (2 * 3**2 + 2 * 3)),
    "scaled values": (ScaledValues, (4, 6), 2 * 2 * 3**2 + 6),
    "complex rotary embedding": (ComplexRotary, (5, 6), 2 * 2 + 4**2),
    "partly rotary embedding": (PartlyRotary, (4, 6), 2 * 2 + 2**2 + 6**2),
    "shared embedding": (Shared, (4, 5), 6),
    "adaptive norm": (Modulated, (9,), 3 * 6),  # scale, shift, gate
    "LSTM": (lambda: Recurrent(nn.LSTM), (4, 3), 4 * 4),
    "GRU": (lambda: Recurrent(nn.GRU), (4, 3), 2 * 4),  # one of the new state's biases is inside its gate
    "joined with the input": (Skip, (6,), 5),
    "magnitudes": (Magnitudes, (6,), 2**2 + 1),
    "two diagonals": (Diagonals, (6,), 1),
    "two diagonals, rectified": (lambda: Diagonals(rectified=True), (6,), 1),
}


def generic(name, generator):
    make, shape, dimension = CASES[name]
    model = make().double().eval()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.3 * torch.randn(value.shape, generator=generator, dtype=value.dtype))
    return model, 2 * torch.randn(120, *shape, generator=generator, dtype=torch.float64), dimension


@pytest.mark.parametrize("name", CASES)
def test_what_is_found_holds_and_nothing_is_missed(name, generator):
    model, x, dimension = generic(name, generator)
    symmetry = detect(model, x[:3], head="raw")
    found = audit(model, symmetry, x, generator=generator)
    assert (symmetry.dimension, found.nullity, found.unexplained) == (dimension, dimension, 0)
    assert not symmetry.unrecognised
    assert verify(model, symmetry, x[:8], rtol=1e-9, generator=generator) < 1e-9


def test_a_part_may_be_read_again_after_it_was_divided():
    assert detect(ReadTwice(), torch.randn(2, 6), head="raw").unrecognised == ()


def test_a_number_folds_into_a_map_and_two_vectors_are_a_pair():
    (gain,) = detect(Branch(), torch.randn(2, 6), head="raw").factors
    assert gain.pins[0].parameter == "number"
    (pair,) = detect(Diagonals(), torch.randn(2, 6), head="raw").pairs
    (positive,) = detect(Diagonals(rectified=True), torch.randn(2, 6), head="raw").pairs
    assert (str(pair.group), str(positive.group)) == ("GL(1, R)", "GL(1, R)+")


def test_a_scale_of_unequal_powers_is_counted():
    (factor,) = detect(Branch(times=2), torch.randn(2, 6), head="raw").factors
    assert isinstance(factor, Rescaling)
    assert COUNTED in factor.flags


def test_complex_numbers_that_multiply_each_other_are_not_understood():
    symmetry = detect(ComplexPower(), torch.randn(2, 6), head="raw")
    assert (symmetry.dimension, symmetry.unrecognised) == (0, ("the model itself",))


def test_a_rotary_embedding_in_complex_numbers_leaves_complex_scalings_of_planes():
    names = {str(pair.group) for pair in detect(ComplexRotary().double(), torch.randn(2, 5, 6), head="raw").pairs}
    assert names == {"GL(1, C)", "GL(4, R)"}
