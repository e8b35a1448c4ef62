"""Networks in which a symmetry stands alone: dense, convolutional, diagonal."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from .initial import initialise_


def mlp(
    sizes: Sequence[int],
    activation: Callable[[], nn.Module] = nn.ReLU,
    *,
    bias: bool = True,
    generator: torch.Generator | None = None,
) -> nn.Sequential:
    """Linear layers with an activation between them; inputs ``(b, sizes[0])``, outputs ``(b, sizes[-1])``.

    Example:
        >>> print(mlp([4, 8, 2]))
        Sequential(
          (0): Linear(in_features=4, out_features=8, bias=True)
          (1): ReLU()
          (2): Linear(in_features=8, out_features=2, bias=True)
        )

    Raises:
        ValueError: fewer than two sizes.
    """
    if len(sizes) < 2:
        raise ValueError(f"an MLP needs an input and an output size, got sizes={list(sizes)}")
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out, bias=bias), activation()]
    model = nn.Sequential(*layers[:-1])
    initialise_(model, generator)
    return model


def conv_net(
    channels: Sequence[int] = (1, 4, 6),
    *,
    image: int = 8,
    classes: int = 10,
    activation: Callable[[], nn.Module] = nn.ReLU,
    generator: torch.Generator | None = None,
) -> nn.Sequential:
    """3 x 3 convolutions with an activation after each, then a linear head on the flattened maps.

    Inputs ``(b, channels[0], image, image)``, outputs ``(b, classes)``.

    Raises:
        ValueError: fewer than two channel counts.
    """
    if len(channels) < 2:
        raise ValueError(f"a convolutional net needs at least two channel counts, got {list(channels)}")
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [nn.Conv2d(before, after, 3, padding=1), activation()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * image**2, classes))
    initialise_(model, generator)
    return model


class DiagonalNet(nn.Module):
    r"""The diagonal linear network :math:`x \mapsto \langle u \odot v, x \rangle` [Woodworth2020].

    Inputs ``(b, features)``, outputs ``(b,)``. Sharpness has closed forms here.
    """

    def __init__(self, features: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.u = nn.Parameter(torch.randn(features, generator=generator))
        self.v = nn.Parameter(torch.randn(features, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        """The inner product with ``u * v``."""
        return x @ (self.u * self.v)
