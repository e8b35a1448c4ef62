"""Isospectral curves are found where a LayerNorm's gain lies between two sides that rotate, and nowhere else."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmetries import IsospectralCurve, audit, detect, verify

DIM, SIZE = 5, 4


def centred(**options):
    return nn.LayerNorm(SIZE, **options)


def softmax(q, k, v):
    return F.scaled_dot_product_attention(q, k, v)


def sigmoid(q, k, v):
    return (q @ k.mT / 2).sigmoid() @ v


def turned(x):
    """Half of the channels rotated by an angle that depends on the token."""
    angle = torch.arange(x.shape[-2], dtype=x.dtype)[:, None]
    a, b = x.chunk(2, -1)
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1)


class FromOne(nn.Module):
    """A LayerNorm that stores its gain as the distance from one."""

    def __init__(self, dim):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight + 1, self.bias)


class Heads(nn.Module):
    """Attention with normalized queries and keys."""

    def __init__(self, queries, keys, attend=softmax, heads=2, kv_heads=2):
        super().__init__()
        self.counts = heads, kv_heads, kv_heads
        self.q, self.k, self.v = (nn.Linear(DIM, n * SIZE) for n in self.counts)
        self.o = nn.Linear(heads * SIZE, DIM)
        self.q_norm, self.k_norm, self.attend = queries, keys, attend

    def forward(self, x):
        parts = (self.q(x), self.k(x), self.v(x))
        q, k, v = (z.unflatten(-1, (n, -1)).transpose(1, 2) for z, n in zip(parts, self.counts, strict=True))
        k, v = (z.repeat_interleave(self.counts[0] // self.counts[1], 1) for z in (self.k_norm(k), v))
        return self.o(self.attend(self.q_norm(q), k, v).transpose(1, 2).flatten(2))


class Stream(nn.Module):
    """A normalized embedding, a block with a skip connection, a norm and a head."""

    def __init__(self, behind=nn.LayerNorm, embedding=None, skip_to_head=False):
        super().__init__()
        self.embed, self.norm0 = nn.Linear(7, DIM), embedding or nn.LayerNorm(DIM)
        self.norm1, self.norm2 = behind(DIM), behind(DIM)
        self.fc1, self.fc2, self.head = nn.Linear(DIM, 6), nn.Linear(6, DIM), nn.Linear(DIM, 3)
        self.skip_to_head = skip_to_head

    def forward(self, x):
        x = self.norm0(self.embed(x))
        x = x + self.fc2(F.gelu(self.fc1(self.norm1(x))))
        return self.head(self.norm2(x)) + (self.head(x) if self.skip_to_head else 0)


def same(make, **options):
    norm = make()
    return Heads(norm, norm, **options)


WITH = {
    "queries and keys": lambda: Heads(centred(), centred()),
    "a key for two queries": lambda: Heads(centred(), centred(), heads=4),
    "no shifts": lambda: Heads(centred(bias=False), centred(bias=False)),
    "no shifts, sigmoid": lambda: Heads(centred(bias=False), centred(bias=False), sigmoid),
    "a gain of the queries alone": lambda: Heads(centred(), centred(elementwise_affine=False)),
    "a gain of the keys alone": lambda: Heads(centred(elementwise_affine=False), centred()),
    "queries and keys, gains from one": lambda: Heads(FromOne(SIZE), FromOne(SIZE)),
    "norm of the embedding": Stream,
    "norm of the embedding, gains from one": lambda: Stream(FromOne, FromOne(DIM)),
}
WITHOUT = {
    "no centring": lambda: Heads(nn.RMSNorm(SIZE), nn.RMSNorm(SIZE)),
    "no gains": lambda: Heads(centred(elementwise_affine=False), centred(elementwise_affine=False)),
    "both shifts are seen": lambda: Heads(centred(), centred(), sigmoid),
    "one norm for queries and keys": lambda: same(centred),
    "rotary embedding": lambda: Heads(centred(), centred(), lambda q, k, v: softmax(turned(q), turned(k), v)),
    "no centring behind the gain": lambda: Stream(behind=nn.RMSNorm),
    "read as it is": lambda: Stream(skip_to_head=True),
    "two gains in a row": lambda: Stream(embedding=nn.Sequential(nn.LayerNorm(DIM), nn.LayerNorm(DIM))),
}


def generic(make, generator):
    """A model in float64 away from initial gains and shifts."""
    model = make().double().eval()
    for value in model.parameters():
        value.data += 0.3 * torch.randn(value.shape, generator=generator, dtype=value.dtype)
    return model


def tokens(model, count, generator):
    width = 7 if isinstance(model, Stream) else DIM
    return torch.randn(count, 5, width, generator=generator, dtype=torch.float64)


def curves(symmetry):
    return [factor for factor in symmetry.factors if isinstance(factor, IsospectralCurve)]


@pytest.mark.parametrize("name", WITH)
def test_curve_is_found_and_nothing_else_is_missed(name, generator):
    model = generic(WITH[name], generator)
    symmetry = detect(model, tokens(model, 3, generator), head="raw")
    assert len(curves(symmetry)) == 1
    assert verify(model, symmetry, tokens(model, 3, generator), rtol=1e-9, generator=generator) < 1e-9
    measured = audit(model, symmetry, tokens(model, 40, generator), generator=generator)
    assert (measured.unexplained, measured.declared) == (0, symmetry.dimension)


@pytest.mark.filterwarnings("error")  # nothing is proposed that does not hold
@pytest.mark.parametrize("name", WITHOUT)
def test_curve_is_not_proposed_where_there_is_none(name, generator):
    model = generic(WITHOUT[name], generator)
    assert curves(detect(model, tokens(model, 3, generator), head="raw")) == []


def test_every_layer_has_its_own(generator):
    model = generic(lambda: nn.Sequential(*(Heads(centred(), centred()) for _ in range(3))), generator)
    found = curves(detect(model, tokens(model[0], 3, generator), head="raw"))
    assert [curve.gain.parameter for curve in found] == [f"{i}.q_norm.weight" for i in range(3)]


def test_norm_that_several_layers_share_has_none(generator):
    def make():
        layers = [Heads(centred(), centred()) for _ in range(2)]
        layers[1].q_norm = layers[0].q_norm
        return nn.Sequential(*layers)

    model = generic(make, generator)
    assert curves(detect(model, tokens(model[0], 3, generator), head="raw")) == []
