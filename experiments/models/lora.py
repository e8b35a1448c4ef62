"""Low-rank adapters on frozen layers."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .initial import initialise_


class LoRALinear(nn.Module):
    r"""A frozen linear layer with a trainable low-rank update :math:`W + \frac{\alpha}{r} B A` [Hu2022].

    ``lora_A`` has shape ``(rank, in)``, ``lora_B`` ``(out, rank)``; inputs ``(..., in)``, outputs
    ``(..., out)``.

    Example:
        >>> layer = LoRALinear(8, 4, rank=2, generator=torch.Generator().manual_seed(0))
        >>> [name for name, p in layer.named_parameters() if p.requires_grad]
        ['lora_A', 'lora_B']

    Args:
        fan_in: input features.
        fan_out: output features.
        rank: r.
        alpha: scale of the update; r by default, so that the update is ``B A``.
        generic: draw B like A. By default B = 0, as at the start of fine-tuning, where the pair has no rank.
        generator: where the initial values come from.

    Raises:
        ValueError: a rank outside ``1 .. min(fan_in, fan_out)``.
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        *,
        rank: int,
        alpha: float | None = None,
        generic: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not 1 <= rank <= min(fan_in, fan_out):
            raise ValueError(f"rank must lie in 1 .. {min(fan_in, fan_out)}, got {rank}")
        self.base = nn.Linear(fan_in, fan_out)
        initialise_(self.base, generator)
        self.base.requires_grad_(False)
        self.scaling = 1.0 if alpha is None else alpha / rank
        self.lora_A = nn.Parameter(torch.randn(rank, fan_in, generator=generator) / fan_in**0.5)
        start = torch.randn(fan_out, rank, generator=generator) / rank**0.5
        self.lora_B = nn.Parameter(start if generic else torch.zeros_like(start))

    @classmethod
    def around(cls, linear: nn.Linear, *, rank: int, generator: torch.Generator | None = None) -> "LoRALinear":
        """An adapter on an existing layer, which is frozen."""
        layer = cls(linear.in_features, linear.out_features, rank=rank, generator=generator)
        layer.base = linear.requires_grad_(False)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """``base(x) + scaling * B A x``."""
        return self.base(x) + self.scaling * F.linear(F.linear(x, self.lora_A), self.lora_B)


def lora_mlp(
    sizes: Sequence[int], *, rank: int, generic: bool = False, generator: torch.Generator | None = None
) -> nn.Sequential:
    """LoRA layers with GELU between them; inputs ``(b, sizes[0])``, outputs ``(b, sizes[-1])``."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [LoRALinear(fan_in, fan_out, rank=rank, generic=generic, generator=generator), nn.GELU()]
    return nn.Sequential(*layers[:-1])
