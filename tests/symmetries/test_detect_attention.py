"""Detection on attention as people write it: layouts of the heads, and what is done to the scores."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmetries import audit, detect, verify

DIM, HEADS, SIZE = 4, 2, 2


def heads(x):
    return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def merged(x):
    return x.transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Separate projections, and a function from queries, keys and values to what the output projection reads."""

    def __init__(self, attend, inner=HEADS * SIZE, bias=True, **extra):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(DIM, inner, bias=bias) for _ in range(3))
        self.o, self.attend = nn.Linear(inner, DIM, bias=bias), attend
        for name, shape in extra.items():
            setattr(self, name, nn.Parameter(torch.randn(shape)))

    def forward(self, x):
        return self.o(self.attend(self, self.q(x), self.k(x), self.v(x)))


class Fused(nn.Module):
    """One projection of queries, keys and values, split in one of several ways."""

    def __init__(self, split):
        super().__init__()
        self.qkv, self.o, self.split = nn.Linear(DIM, 3 * HEADS * SIZE), nn.Linear(HEADS * SIZE, DIM), split

    def forward(self, x):
        q, k, v = self.split(self.qkv(x))
        return self.o(merged(F.scaled_dot_product_attention(q, k, v)))


def scored(score, weigh=lambda model, scores: scores.softmax(-1)):
    """Attention with a function of the scores, and one from there to the weights."""

    def attend(model, q, k, v):
        return merged(weigh(model, score(model, heads(q) @ heads(k).mT)) @ heads(v))

    return attend


def plain(model, scores):
    return scores


def alibi(model, scores):
    distance = (torch.arange(5)[:, None] - torch.arange(5)).abs().double()
    return scores - torch.tensor([0.5, 0.25]).double()[:, None, None] * distance


def with_sink(model, scores):
    sink = model.sink.view(1, HEADS, 1, 1).expand(*scores.shape[:3], 1)
    return torch.cat([scores, sink], -1).softmax(-1)[..., :-1]


def by_einsum(model, q, k, v):
    q, k, v = (x.unflatten(-1, (HEADS, SIZE)) for x in (q, k, v))
    weights = torch.einsum("bihd,bjhd->bhij", q, k).softmax(-1)
    return torch.einsum("bhij,bjhd->bihd", weights, v).flatten(2)


def by_bmm(model, q, k, v):
    b, t, _ = q.shape
    q, k, v = (x.view(b, t, HEADS, SIZE).permute(0, 2, 1, 3).reshape(b * HEADS, t, SIZE) for x in (q, k, v))
    mixed = torch.bmm(torch.bmm(q, k.transpose(1, 2)).softmax(-1), v)
    return mixed.view(b, HEADS, t, SIZE).transpose(1, 2).reshape(b, t, HEADS * SIZE)


def rotated(x, style):
    t, h = x.shape[-2:]
    angle = torch.outer(torch.arange(t, dtype=x.dtype), 0.3 ** torch.arange(h // 2, dtype=x.dtype))
    cos, sin = angle.cos(), angle.sin()
    if style == "halves":
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
    a, b = x[..., ::2], x[..., 1::2]
    if style == "stacked":
        return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)
    result = torch.empty_like(x)
    result[..., ::2], result[..., 1::2] = a * cos - b * sin, b * cos + a * sin
    return result


def rope(style):
    def attend(model, q, k, v):
        q, k = (rotated(heads(x), style) for x in (q, k))
        return merged(F.scaled_dot_product_attention(q, k, heads(v)))

    return lambda: Attention(attend, inner=8, bias=False)


FULL = 2 * HEADS * SIZE**2 + 2 * HEADS * SIZE  # bases of queries and keys, of values and outputs; two biases

# model, dimension
CASES = {
    "scores as they are": (lambda: Attention(scored(plain)), FULL),
    "einsum": (lambda: Attention(by_einsum), FULL),
    "bmm": (lambda: Attention(by_bmm), FULL),
    "linear biases of distance": (lambda: Attention(scored(alibi)), FULL),
    "soft cap": (lambda: Attention(scored(lambda m, s: 2 * torch.tanh(s / 2))), FULL - 4),
    "sigmoid": (lambda: Attention(scored(plain, lambda m, s: torch.sigmoid(s))), FULL - 8),
    "sink": (lambda: Attention(scored(plain, with_sink), sink=(HEADS,)), FULL - 8),
    "one more in the denominator": (
        lambda: Attention(scored(plain, lambda m, s: s.exp() / (1 + s.exp().sum(-1, keepdim=True)))),
        FULL - 8,
    ),
    "halves": (rope("halves"), 2 * 4 + 2 * 16),
    "neighbours": (rope("stacked"), 2 * 4 + 2 * 16),
    "neighbours, in place": (rope("in place"), 2 * 4 + 2 * 16),
    "chunks": (lambda: Fused(lambda y: map(heads, y.chunk(3, -1))), FULL),
    "slices": (lambda: Fused(lambda y: (heads(y[..., i : i + 4]) for i in (0, 4, 8))), FULL),
    "unbound": (lambda: Fused(lambda y: y.unflatten(-1, (3, HEADS, SIZE)).permute(2, 0, 3, 1, 4).unbind(0)), FULL),
    "by head, then chunks": (
        lambda: Fused(lambda y: (z.transpose(1, 2) for z in y.unflatten(-1, (HEADS, 3 * SIZE)).chunk(3, -1))),
        FULL,
    ),
    "by head, then index": (
        lambda: Fused(lambda y: (y.unflatten(-1, (HEADS, 3, SIZE))[..., i, :].transpose(1, 2) for i in range(3))),
        FULL,
    ),
    "heads innermost": (
        lambda: Fused(lambda y: (z.permute(0, 3, 1, 2) for z in y.unflatten(-1, (3, SIZE, HEADS)).unbind(2))),
        FULL,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_missed_however_attention_is_written(name, generator):
    make, dimension = CASES[name]
    model, x = generic(make()), torch.randn(80, 5, DIM, generator=generator, dtype=torch.float64)
    symmetry = detect(model, x[:2], head="raw")
    found = audit(model, symmetry, x, generator=generator)
    assert (symmetry.dimension, found.unexplained, symmetry.unrecognised) == (dimension, 0, ())
    assert verify(model, symmetry, x[:2], rtol=1e-9, generator=generator) < 1e-9


# options of torch.nn.MultiheadAttention with 8 channels and 2 heads, dimension
OPTIONS = [
    ({}, 80),
    ({"add_bias_kv": True}, 80),
    ({"add_zero_attn": True}, 64),
    ({"add_bias_kv": True, "add_zero_attn": True}, 64),
    ({"bias": False}, 64),
    ({"kdim": 6, "vdim": 7}, 80),
]


@pytest.mark.parametrize(("options", "dimension"), OPTIONS)
def test_nothing_is_missed_in_the_attention_of_pytorch(options, dimension, generator):
    model = generic(nn.MultiheadAttention(8, 2, batch_first=True, **options))
    widths = (8, options.get("kdim", 8), options.get("vdim", 8))
    inputs = tuple(torch.randn(20, 5, width, generator=generator, dtype=torch.float64) for width in widths)
    symmetry = detect(model, inputs, head="raw")
    found = audit(model, symmetry, inputs, generator=generator)
    assert (symmetry.dimension, found.unexplained, symmetry.unrecognised) == (dimension, 0, ())


def generic(model):
    """In float64, without zeros."""
    model = model.double().eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in model.parameters():
            noise = torch.randn(value.shape, generator=generator, dtype=value.dtype)
            value.copy_(noise / math.sqrt(value[0].numel()) if value.ndim > 1 else 0.3 * noise)
    return model
