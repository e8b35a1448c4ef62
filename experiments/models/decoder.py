"""A small causal language model of the kind that Llama made usual."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .initial import initialise_


@dataclass(frozen=True)
class DecoderConfig:
    """Sizes of a :class:`Decoder`.

    Raises:
        ValueError: heads that key-value heads do not divide, or an odd head size.
    """

    vocabulary: int = 64
    dim: int = 32
    depth: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 8
    hidden: int = 64
    rope_base: float = 10000.0
    tied: bool = False
    layer_norm: bool = False
    activation: Literal["silu", "gelu"] = "silu"

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads must be a multiple of kv_heads, got {self.heads} and {self.kv_heads}")
        if self.head_dim % 2:
            raise ValueError(f"RoPE turns pairs of channels: head_dim must be even, got {self.head_dim}")

    def norm(self) -> nn.Module:
        """A norm over the width."""
        return nn.LayerNorm(self.dim) if self.layer_norm else nn.RMSNorm(self.dim, eps=1e-6)


class Decoder(nn.Module):
    """Pre-norm causal decoder with RMSNorm, grouped queries, RoPE and SwiGLU.

    Tokens ``(b, t)``, integers below ``vocabulary``, to logits ``(b, t, vocabulary)``; a position sees itself
    and those before it. [ZhangSennrich2019], [Ainslie2023], [Su2021], [Shazeer2020].

    Example:
        >>> model = Decoder(DecoderConfig(depth=1), torch.Generator().manual_seed(0))
        >>> model(model.example_inputs(batch=3, length=5)).shape
        torch.Size([3, 5, 64])

    Args:
        config: sizes; ``tied`` makes ``lm_head.weight`` the token embedding itself, ``layer_norm`` puts LayerNorm in
            the place of RMSNorm, ``activation`` chooses SwiGLU or GeGLU.
        generator: where the initial values come from.
    """

    def __init__(self, config: DecoderConfig | None = None, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = c = config or DecoderConfig()
        self.embed_tokens = nn.Embedding(c.vocabulary, c.dim)
        self.layers = nn.Sequential(*(DecoderLayer(c) for _ in range(c.depth)))
        self.norm = c.norm()
        self.lm_head = nn.Linear(c.dim, c.vocabulary, bias=False)
        if c.tied:
            self.lm_head.weight = self.embed_tokens.weight
        initialise_(self, generator)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token at every position."""
        return self.lm_head(self.norm(self.layers(self.embed_tokens(tokens))))

    def example_inputs(self, generator: torch.Generator | None = None, *, batch: int = 2, length: int = 6) -> Tensor:
        """Uniform tokens of shape ``(batch, length)``."""
        return torch.randint(self.config.vocabulary, (batch, length), generator=generator)


class DecoderLayer(nn.Module):
    """``x + attention(norm(x))``, then ``x + mlp(norm(x))``, on ``(b, t, d)``."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.input_layernorm = config.norm()
        self.self_attn = GroupedQueryAttention(config)
        self.post_attention_layernorm = config.norm()
        self.mlp = GatedMLP(config.dim, config.hidden, nn.SiLU() if config.activation == "silu" else nn.GELU())

    def forward(self, stream: Tensor) -> Tensor:
        """The residual stream after the layer."""
        stream = stream + self.self_attn(self.input_layernorm(stream))
        return stream + self.mlp(self.post_attention_layernorm(stream))


class GroupedQueryAttention(nn.Module):
    """Causal attention; neighbouring query heads share one key-value head [Ainslie2023]."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.num_heads, self.num_kv_heads, self.head_dim = config.heads, config.kv_heads, config.head_dim
        self.rope_base = config.rope_base
        self.q_proj = nn.Linear(config.dim, config.heads * config.head_dim, bias=False)
        self.k_proj = nn.Linear(config.dim, config.kv_heads * config.head_dim, bias=False)
        self.v_proj = nn.Linear(config.dim, config.kv_heads * config.head_dim, bias=False)
        self.o_proj = nn.Linear(config.heads * config.head_dim, config.dim, bias=False)

    def forward(self, stream: Tensor) -> Tensor:
        """``(b, t, d)`` to ``(b, t, d)``."""
        query = rotary(self._heads(self.q_proj(stream)), base=self.rope_base)
        key = rotary(self._heads(self.k_proj(stream)), base=self.rope_base)
        value = self._heads(self.v_proj(stream))
        group = self.num_heads // self.num_kv_heads
        key, value = key.repeat_interleave(group, dim=1), value.repeat_interleave(group, dim=1)
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.o_proj(attended.transpose(1, 2).flatten(2))

    def _heads(self, projected: Tensor) -> Tensor:
        return projected.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)  # (b, heads, t, h)


class GatedMLP(nn.Module):
    """``down(act(gate(x)) * up(x))``: SwiGLU, GeGLU [Shazeer2020]."""

    def __init__(self, dim: int, hidden: int, activation: nn.Module) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(dim, hidden, bias=False)
        self.up_proj = nn.Linear(dim, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, dim, bias=False)
        self.act_fn = activation

    def forward(self, stream: Tensor) -> Tensor:
        """``(b, t, d)`` to ``(b, t, d)``."""
        return self.down_proj(self.act_fn(self.gate_proj(stream)) * self.up_proj(stream))


def rotary(x: Tensor, *, base: float = 10000.0, offset: int = 0) -> Tensor:
    r"""Rotary position embedding, half layout: channels i and i + h/2 turn by :math:`t\, b^{-2i/h}` [Su2021].

    Computed in the dtype of ``x``: a cast to float32 on the way would leave a float64 model single precision.

    Law: ``<rotary(q)_s, rotary(k)_t>`` depends on the positions only through ``s - t``.

    Args:
        x: shape ``(..., t, h)``.
        base: of the geometric sequence of frequencies.
        offset: the position of the first row.
    """
    t, h = x.shape[-2:]
    frequency = base ** (-torch.arange(0, h, 2, dtype=x.dtype, device=x.device) / h)
    angle = torch.outer(torch.arange(offset, offset + t, dtype=x.dtype, device=x.device), frequency)  # (t, h/2)
    real, imaginary = x.chunk(2, dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([real * cos - imaginary * sin, imaginary * cos + real * sin], dim=-1)
