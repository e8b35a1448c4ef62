"""How much work a table of measures may take."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Settings:
    """How much work the measures may do, and where their draws come from; see :func:`measures.measure`."""

    steps: int
    samples: int
    probes: int
    lanczos_steps: int
    alphas: tuple[float, ...]
    generator: torch.Generator | None
