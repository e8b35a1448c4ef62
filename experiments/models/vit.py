"""A small vision transformer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .initial import initialise_


@dataclass(frozen=True)
class ViTConfig:
    """Sizes of a :class:`ViT`; the default is for 8 x 8 digits.

    Raises:
        ValueError: an image that patches do not tile, or a width that heads do not divide.
    """

    image: int = 8
    channels: int = 1
    patch: int = 2
    dim: int = 32
    depth: int = 2
    heads: int = 4
    hidden: int = 64
    classes: int = 10

    def __post_init__(self) -> None:
        if self.image % self.patch:
            raise ValueError(f"patches of side {self.patch} do not tile an image of side {self.image}")
        if self.dim % self.heads:
            raise ValueError(f"dim must be a multiple of heads, got dim={self.dim}, heads={self.heads}")

    @property
    def tokens(self) -> int:
        """The number of patches, and one for the class token."""
        return (self.image // self.patch) ** 2 + 1


class ViT(nn.Module):
    """Pre-LN vision transformer [Dosovitskiy2021].

    Images ``(b, channels, side, side)`` to logits ``(b, classes)``.

    Example:
        >>> model = ViT(ViTConfig(depth=1), torch.Generator().manual_seed(0))
        >>> model(model.example_inputs(batch=3)).shape
        torch.Size([3, 10])

    Args:
        config: sizes.
        generator: where the initial values come from.
    """

    def __init__(self, config: ViTConfig | None = None, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = c = config or ViTConfig()
        self.patch_embed = nn.Conv2d(c.channels, c.dim, c.patch, stride=c.patch)
        self.cls_token = nn.Parameter(torch.empty(1, 1, c.dim))
        self.pos_embed = nn.Parameter(torch.empty(1, c.tokens, c.dim))
        self.blocks = nn.Sequential(*(Block(c.dim, c.heads, c.hidden) for _ in range(c.depth)))
        self.norm = nn.LayerNorm(c.dim)
        self.head = nn.Linear(c.dim, c.classes)
        initialise_(self, generator)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, read off the class token."""
        patches = self.patch_embed(images).flatten(2).mT  # (b, tokens - 1, d)
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), patches], dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(tokens))[:, 0])

    def example_inputs(self, generator: torch.Generator | None = None, *, batch: int = 2) -> Tensor:
        """Gaussian images of the right shape, in the dtype of the model."""
        c = self.config
        shape = (batch, c.channels, c.image, c.image)
        return torch.randn(shape, generator=generator, dtype=self.cls_token.dtype)


class Block(nn.Module):
    """``x + attention(norm(x))``, then ``x + mlp(norm(x))``, on tokens ``(b, t, d)``."""

    def __init__(self, dim: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = SelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = FeedForward(dim, hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        """The residual stream after the block."""
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class SelfAttention(nn.Module):
    """Multi-head self-attention [Vaswani2017]; rows of ``qkv`` run over (role, head, channel)."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """``(b, t, d)`` to ``(b, t, d)``."""
        b, t, d = tokens.shape
        qkv = self.qkv(tokens).reshape(b, t, 3, self.num_heads, d // self.num_heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (b, heads, t, h) each
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.proj(attended.transpose(1, 2).reshape(b, t, d))


class FeedForward(nn.Module):
    """``fc2(GELU(fc1(x)))``."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """``(b, t, d)`` to ``(b, t, d)``."""
        return self.fc2(self.act(self.fc1(tokens)))
