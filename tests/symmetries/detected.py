"""Networks whose whole symmetry group is known in closed form: what detection is tried on."""

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


class ViT(nn.Module):
    """Pre-LN vision transformer with a class token and fused projections; pools the class token or the mean."""

    def __init__(self, dim=6, heads=2, hidden=7, patch=2, side=4, classes=3, depth=2, pool="class"):
        super().__init__()
        self.heads, self.pool = heads, pool
        self.patches = nn.Conv2d(1, dim, patch, patch)
        self.cls = nn.Parameter(torch.randn(1, 1, dim))
        self.position = nn.Parameter(torch.randn(1, (side // patch) ** 2 + 1, dim))
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm1": nn.LayerNorm(dim),
                    "qkv": nn.Linear(dim, 3 * dim),
                    "proj": nn.Linear(dim, dim),
                    "norm2": nn.LayerNorm(dim),
                    "fc1": nn.Linear(dim, hidden),
                    "fc2": nn.Linear(hidden, dim),
                }
            )
            for _ in range(depth)
        )
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def attend(self, block, x):
        b, t, d = x.shape
        q, k, v = block["qkv"](x).reshape(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return block["proj"](F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, d))

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1) + self.position
        for block in self.blocks:
            x = x + self.attend(block, block["norm1"](x))
            x = x + block["fc2"](F.gelu(block["fc1"](block["norm2"](x))))
        x = self.norm(x)
        return self.head(x[:, 0] if self.pool == "class" else x.mean(1))


def vit_dimension(dim=6, heads=2, hidden=7, patch=2, side=4, classes=3, depth=2):
    """Heads, key and value biases, norms, readers and writers by block; embeddings, head, rotation."""
    h, tokens = dim // heads, (side // patch) ** 2 + 1
    block = 2 * heads * h**2 + 10 * dim + 2 * hidden + 2
    rest = 1 + tokens + patch**2 + 1 + 2 * (dim - 1) + 2 * dim + classes + (dim - 1) * (dim - 2) // 2
    return depth * block + rest


class Decoder(nn.Module):
    """RMSNorm, grouped queries with RoPE, SwiGLU, no biases."""

    def __init__(self, dim=6, heads=2, kv_heads=1, size=4, hidden=5, vocabulary=13, depth=2, tied=False, rope="half"):
        super().__init__()
        self.heads, self.kv_heads, self.size, self.rope = heads, kv_heads, size, rope
        self.embed, self.norm = nn.Embedding(vocabulary, dim), nn.RMSNorm(dim, eps=1e-5)
        self.head = nn.Linear(dim, vocabulary, bias=False)
        if tied:
            self.head.weight = self.embed.weight
        widths = {"q": heads * size, "k": kv_heads * size, "v": kv_heads * size, "gate": hidden, "up": hidden}
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {name: nn.Linear(dim, width, bias=False) for name, width in widths.items()}
                | {"o": nn.Linear(heads * size, dim, bias=False), "down": nn.Linear(hidden, dim, bias=False)}
                | {"norm1": nn.RMSNorm(dim, eps=1e-5), "norm2": nn.RMSNorm(dim, eps=1e-5)}
            )
            for _ in range(depth)
        )

    def rotated(self, x):
        t, h = x.shape[-2:]
        angle = torch.outer(torch.arange(t, dtype=x.dtype), 0.3 ** torch.arange(h // 2, dtype=x.dtype))
        if self.rope == "half":
            angle, other = angle.repeat(1, 2), torch.cat([-x[..., h // 2 :], x[..., : h // 2]], -1)
        else:
            angle, other = angle.repeat_interleave(2, -1), torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2)
        return x * angle.cos() + other * angle.sin()

    def attend(self, block, x):
        q, k, v = (block[name](x).unflatten(-1, (-1, self.size)).transpose(1, 2) for name in "qkv")
        if self.rope:
            q, k = self.rotated(q), self.rotated(k)
        k, v = (z.repeat_interleave(self.heads // self.kv_heads, 1) for z in (k, v))
        return block["o"](F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))

    def forward(self, tokens):
        x = self.embed(tokens)
        for block in self.blocks:
            x = x + self.attend(block, block["norm1"](x))
            h = block["norm2"](x)
            x = x + block["down"](F.silu(block["gate"](h)) * block["up"](h))
        return self.head(self.norm(x))


def decoder_dimension(dim=6, kv_heads=1, size=4, hidden=5, depth=2, tied=False, rope=True):
    """Query-key and value-output bases, gated units and norm gains by block; final gain and rotation."""
    block = kv_heads * (size if rope else size**2) + kv_heads * size**2 + hidden + 2 * dim
    return depth * block + (0 if tied else dim + dim * (dim - 1) // 2)


def encoder(norm_first, activation, final_norm):
    layer = nn.TransformerEncoderLayer(8, 2, 9, norm_first=norm_first, activation=activation, batch_first=True)
    norm = nn.LayerNorm(8) if final_norm else None
    return nn.TransformerEncoder(layer, 2, norm=norm, enable_nested_tensor=False)


class Gated(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.activation = activation
        self.gate, self.up, self.down = nn.Linear(5, 6), nn.Linear(5, 6), nn.Linear(6, 4)

    def forward(self, x):
        return self.down(self.activation(self.gate(x)) * self.up(x))


class Residual(nn.Module):
    """A residual stream with a leaky ReLU on it and no norm: one scale for each channel of the stream."""

    def __init__(self):
        super().__init__()
        self.inner = nn.ModuleList(nn.Sequential(nn.Linear(4, 6), nn.LeakyReLU(), nn.Linear(6, 4)) for _ in range(2))
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = F.leaky_relu(self.first(x))
        for layer in self.inner:
            x = F.leaky_relu(x + layer(x))
        return self.last(x)


class WrittenNorms(nn.Module):
    """A LayerNorm and an RMSNorm, written out."""

    def __init__(self):
        super().__init__()
        self.gain1, self.shift1 = nn.Parameter(torch.randn(5)), nn.Parameter(torch.randn(5))
        self.gain2 = nn.Parameter(torch.randn(5))
        self.first, self.inner, self.last = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, x):
        x = self.first(x)
        c = x - x.mean(-1, keepdim=True)
        y = self.gain1 * (c / torch.sqrt(c.pow(2).mean(-1, keepdim=True) + 1e-3)) + self.shift1
        y = torch.tanh(self.inner(y))
        return self.last(y * torch.rsqrt((y * y).mean(-1, keepdim=True) + 1e-3) * self.gain2)


class Squared(nn.Module):
    """A rectifier to the second power."""

    def forward(self, x):
        return F.leaky_relu(x) ** 2


def normal(*shape, spread=1.0):
    return lambda: spread * torch.randn(*shape)


def tokens(samples=30):
    return lambda: torch.randint(13, (samples, 5))


def dense(*sizes, activation=nn.LeakyReLU, bias=True):
    layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b, bias=bias), activation())]
    return lambda: nn.Sequential(*layers[:-1])


def conv_net():
    return nn.Sequential(
        *(nn.Conv2d(1, 3, 3, padding=1), nn.LeakyReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 2), nn.LeakyReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)),
    )


def norm_between():
    return nn.Sequential(nn.Linear(7, 6), nn.LayerNorm(6, eps=0.1), nn.Linear(6, 7))


class CrossAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x):
        return self.attention(x[:, :3], x[:, 3:], x[:, 3:])[0]


# model, inputs, head, dimension; inputs are wide where the kink of a rectifier must show.
CASES = {
    "GELU": (dense(4, 6, 3, activation=nn.GELU), normal(60, 4), "raw", 0),
    "leaky, softmax": (dense(4, 6, 3), normal(60, 4, spread=9), "softmax", 6 + 7),
    "squared ReLU": (dense(4, 6, 3, activation=Squared), normal(60, 4, spread=9), "raw", 6),
    "no biases": (dense(4, 6, 3, bias=False), normal(60, 4, spread=9), "raw", 6),
    "linear chain": (dense(5, 3, 4, activation=nn.Identity), normal(60, 5), "raw", 9 + 3),
    "conv, pool": (conv_net, normal(120, 1, 8, 8, spread=3), "raw", 3 + 4),
    # mean of the writer, gain, shift, mean of the reader, rotation
    "norm between maps": (norm_between, normal(60, 7), "raw", 8 + 6 + 6 + 7 + 10),
    "SwiGLU": (lambda: Gated(F.silu), normal(80, 5), "raw", 6),
    "ReGLU": (lambda: Gated(F.leaky_relu), normal(200, 5, spread=9), "raw", 6 + 6),
    "residual stream": (Residual, normal(300, 3, spread=9), "raw", 4 + 2 * 6),
    # mean of the writer and its rotation, gain, shift and mean of the reader, gain
    "written norms": (WrittenNorms, normal(80, 4), "raw", 5 + 6 + 5 + 5 + 5 + 5),
    "post-LN, ReLU": (lambda: encoder(False, "relu", False), normal(60, 5, 8), "raw", 282),
    "pre-LN, ReLU": (lambda: encoder(True, "relu", False), normal(60, 5, 8), "raw", 311),
    "pre-LN, GELU, final norm": (lambda: encoder(True, "gelu", True), normal(30, 5, 8), "raw", 328),
    # keys and values share a product: two thirds of the fused projection, read in parts
    "cross attention": (CrossAttention, normal(30, 7, 6, spread=2), "raw", 2 * 2 * 3**2 + 2 * 6),
    "ViT": (ViT, normal(400, 1, 4, 4, spread=3), "softmax", vit_dimension() + 6),
    "ViT, mean token": (lambda: ViT(pool="mean", depth=1), normal(300, 1, 4, 4), "raw", vit_dimension(depth=1)),
    "decoder": (Decoder, tokens(), "raw", decoder_dimension()),
    "decoder, softmax": (lambda: Decoder(depth=1), tokens(), "softmax", decoder_dimension(depth=1) + 6),
    "decoder, tied": (lambda: Decoder(tied=True), tokens(), "softmax", decoder_dimension(tied=True)),
    "decoder, neighbours": (lambda: Decoder(rope="neighbours"), tokens(), "raw", decoder_dimension()),
    "decoder without RoPE": (lambda: Decoder(rope=""), tokens(), "raw", decoder_dimension(rope=False)),
}


def generic(make):
    """A model in float64 at a generic point: gains near one, no zeros."""
    model = make().double().eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator, dtype=value.dtype)
            is_gain = name.endswith("weight") and value.ndim == 1
            value.copy_(
                1 + 0.3 * noise if is_gain else noise / math.sqrt(value[0].numel()) if value.ndim > 1 else 0.3 * noise
            )
    return model


def drawn(make):
    """Inputs in float64, or tokens."""
    inputs = make()
    return inputs.double() if inputs.is_floating_point() else inputs
