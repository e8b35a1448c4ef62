"""The vision transformers of [Andriushchenko2023] on CIFAR-10."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

import torch
from einops import rearrange
from einops.layers.torch import Rearrange
from torch import Tensor, nn
from torch.nn import functional as F

#: Channels of a head, in every checkpoint of this kind.
HEAD = 64


@dataclass(frozen=True)
class SimpleViTSizes:
    """Sizes of a :class:`SimpleViT`; the default is the published one, 19 million parameters."""

    patch: int = 4
    dim: int = 512
    depth: int = 6
    heads: int = 16
    hidden: int = 1024
    classes: int = 10
    channels: int = 3

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> "SimpleViTSizes":
        """The sizes that the weights of a checkpoint have.

        Raises:
            KeyError: a tensor that every such checkpoint has is absent.
        """
        dim, pixels = state["to_patch_embedding.1.weight"].shape
        return cls(
            patch=isqrt(pixels // cls.channels),
            dim=dim,
            depth=sum(name.endswith(".to_qkv.weight") for name in state),
            heads=state["transformer.layers.0.0.to_out.weight"].shape[1] // HEAD,
            hidden=len(state["transformer.layers.0.1.net.1.bias"]),
            classes=len(state["linear_head.1.bias"]),
        )


class SimpleViT(nn.Module):
    """A pre-LN vision transformer that averages its tokens, with positions that are not trained [Beyer2022].

    Parameters have the names of the package vit-pytorch 0.40.2, in which the pool was trained.

    Example:
        >>> model = SimpleViT(SimpleViTSizes(dim=8, depth=1, heads=2, hidden=16))
        >>> model(torch.zeros(3, 3, 32, 32)).shape
        torch.Size([3, 10])

    Args:
        sizes: of its layers.
    """

    def __init__(self, sizes: SimpleViTSizes | None = None) -> None:
        super().__init__()
        s = sizes or SimpleViTSizes()
        self.to_patch_embedding = nn.Sequential(
            Rearrange("b c (h p) (w q) -> b h w (p q c)", p=s.patch, q=s.patch),
            nn.Linear(s.channels * s.patch**2, s.dim),
        )
        self.transformer = Transformer(s)
        self.linear_head = nn.Sequential(nn.LayerNorm(s.dim), nn.Linear(s.dim, s.classes))

    def forward(self, images: Tensor) -> Tensor:
        """Logits, ``(b, classes)``, of images ``(b, channels, side, side)``."""
        patches = self.to_patch_embedding(images)  # (b, h, w, dim)
        tokens = rearrange(patches + positions(patches), "b h w d -> b (h w) d")
        return self.linear_head(self.transformer(tokens).mean(dim=1))


class Transformer(nn.Module):
    """Blocks of attention and a multi-layer perceptron, each added to the stream."""

    def __init__(self, sizes: SimpleViTSizes) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([Attention(sizes.dim, sizes.heads), FeedForward(sizes.dim, sizes.hidden)])
            for _ in range(sizes.depth)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """The stream after the last block, ``(b, t, dim)``."""
        for block in self.layers:
            assert isinstance(block, nn.ModuleList)
            for residual in block:
                tokens = tokens + residual(tokens)
        return tokens


class Attention(nn.Module):
    """Multi-head self-attention behind a norm, without biases."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * heads * HEAD, bias=False)
        self.to_out = nn.Linear(heads * HEAD, dim, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """``(b, t, dim)`` to ``(b, t, dim)``."""
        roles = self.to_qkv(self.norm(tokens)).chunk(3, dim=-1)
        query, key, value = (rearrange(x, "b t (h d) -> b h t d", h=self.heads) for x in roles)
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.to_out(rearrange(attended, "b h t d -> b t (h d)"))


class FeedForward(nn.Module):
    """``W_2 GELU(W_1 norm(x))``, with biases."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, tokens: Tensor) -> Tensor:
        """``(b, t, dim)`` to ``(b, t, dim)``."""
        return self.net(tokens)


def positions(patches: Tensor, *, temperature: float = 10_000.0) -> Tensor:
    r"""Sines and cosines of the place of every patch, shape ``(h, w, dim)``.

    With :math:`\omega_k = 10^{-4 k / (d/4 - 1)}` the channels are :math:`\sin x\omega, \cos x\omega, \sin y\omega,
    \cos y\omega`, a quarter of them each. They are computed in float32, and then take the dtype of the patches, as in
    training.
    """
    height, width, dim = patches.shape[-3:]
    quarter = torch.arange(dim // 4, device=patches.device)
    frequency = 1.0 / temperature ** (quarter / (len(quarter) - 1))
    y = torch.arange(height, device=patches.device)[:, None, None] * frequency
    x = torch.arange(width, device=patches.device)[None, :, None] * frequency
    parts = torch.broadcast_tensors(x.sin(), x.cos(), y.sin(), y.cos())
    return torch.cat(parts, dim=-1).to(patches.dtype)
