"""Small networks, each with a symmetry that others do not have."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Transposed(nn.Module):
    """A linear layer whose weight is stored as (in, out)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.randn(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias


def rotate(x: Tensor, kind: str) -> Tensor:
    """Rotary embedding of ``(b, heads, t, h)`` by an independent formula, as real rotations of channel pairs."""
    t, h = x.shape[-2:]
    angle = torch.arange(t)[:, None] * (0.7 ** torch.arange(h // 2)).to(x)
    first, second = (x[..., : h // 2], x[..., h // 2 :]) if kind == "half" else (x[..., 0::2], x[..., 1::2])
    a = first * angle.cos() - second * angle.sin()
    b = first * angle.sin() + second * angle.cos()
    return torch.cat([a, b], -1) if kind == "half" else torch.stack([a, b], -1).flatten(-2)


class Attention(nn.Module):
    """Attention with grouped queries and rotary embeddings, from separate or fused projections."""

    def __init__(self, dim=5, heads=4, kv_heads=2, size=4, rotary=None, bias=True, layout="separate", make=nn.Linear):
        super().__init__()
        self.heads, self.kv_heads, self.rotary, self.layout = heads, kv_heads, rotary, layout
        options = {"bias": bias} if make is nn.Linear else {}
        if layout == "fused":
            self.qkv = make(dim, 3 * heads * size, **options)
        else:
            self.q = make(dim, heads * size, **options)
            self.k = make(dim, kv_heads * size, **options)
            self.v = make(dim, kv_heads * size, **options)
        self.o = make(heads * size, dim, **options)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1) if self.layout == "fused" else (self.q(x), self.k(x), self.v(x))
        q, k, v = (z.unflatten(-1, (n, -1)).transpose(1, 2) for z, n in zip((q, k, v), self.counts, strict=True))
        if self.rotary:
            q, k = rotate(q, self.rotary), rotate(k, self.rotary)
        k, v = (z.repeat_interleave(self.heads // self.kv_heads, 1) for z in (k, v))
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        return self.o((weights @ v).transpose(1, 2).flatten(2))

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.heads, self.kv_heads, self.kv_heads


class Block(nn.Module):
    """An attention block inside a model."""

    def __init__(self, attn: nn.Module):
        super().__init__()
        self.attn = attn

    def forward(self, *inputs: Tensor) -> Tensor:
        output = self.attn(*inputs)
        return output if isinstance(output, Tensor) else output[0]


class GatedMLP(nn.Module):
    def __init__(self, gate: Callable[[Tensor], Tensor]):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(7, 6), nn.Linear(7, 6), nn.Linear(6, 6)
        self.activation = gate

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.gate(x)) * self.up(x))


class LoRA(nn.Module):
    def __init__(self, *, base_trained: bool = False):
        super().__init__()
        self.base = nn.Linear(9, 7).requires_grad_(base_trained)
        self.lora_A, self.lora_B = nn.Linear(9, 3, bias=False), nn.Linear(3, 7, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + 2.0 * self.lora_B(self.lora_A(x))


class DiagonalNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.u, self.v = nn.Parameter(torch.randn(6)), nn.Parameter(torch.randn(6))

    def forward(self, x: Tensor) -> Tensor:
        return x @ (self.u * self.v)


class PreNorm(nn.Module):
    """Embedding, attention behind a norm, final norm, head: only norms read the stream."""

    def __init__(self, dim=6):
        super().__init__()
        self.embed, self.position = nn.Embedding(13, dim), nn.Parameter(torch.randn(1, 4, dim))
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, 2, batch_first=True)
        self.head = nn.Linear(dim, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) + self.position
        h = self.norm1(x)
        return self.head(self.norm2(x + self.attn(h, h, h, need_weights=False)[0]))


class PostNorm(nn.Module):
    """A norm whose output is read by an MLP and by the skip connection around it."""

    def __init__(self, dim=5):
        super().__init__()
        self.norm, self.fc1, self.fc2 = nn.LayerNorm(dim), nn.Linear(dim, 7), nn.Linear(7, dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        return x + self.fc2(nn.functional.gelu(self.fc1(x)))


class Cosine(nn.Module):
    """Vectors of length one."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x, dim=-1)


class NormedHeads(nn.Module):
    """Attention with one norm for the queries, and one for the keys, of all heads."""

    def __init__(self, dim=5, heads=2, size=4, norm: Callable[[int], nn.Module] = nn.LayerNorm):
        super().__init__()
        self.heads = heads
        self.q, self.k = nn.Linear(dim, heads * size), nn.Linear(dim, heads * size)
        self.v, self.o = nn.Linear(dim, heads * size), nn.Linear(heads * size, dim)
        self.q_norm, self.k_norm = norm(size), norm(size)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        weights = (self.q_norm(q) * q.shape[-1] ** -0.5 @ self.k_norm(k).mT).softmax(-1)
        return self.o((weights @ v).transpose(1, 2).flatten(2))


class ScaledBranch(nn.Module):
    """RMSNorm, two readers, and a layer scale behind each."""

    def __init__(self, dim=5):
        super().__init__()
        self.norm, self.a, self.b = nn.RMSNorm(dim), nn.Linear(dim, 4), nn.Linear(dim, 4, bias=False)
        self.scale = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        return self.scale * self.a(x) + torch.tanh(self.b(x))


class Parallel(nn.Module):
    """Two writers of one set of units, and two readers."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(5, 4, bias=False)
        self.c, self.d = nn.Linear(4, 2), nn.Linear(4, 3)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        hidden = nn.functional.leaky_relu(self.a(x) + self.b(y))
        return self.c(hidden), self.d(hidden)
