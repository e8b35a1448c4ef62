"""How much work the measures of an experiment may do."""

from dataclasses import dataclass
from pathlib import Path

import torch

from .command import option, require_positive


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Options of every experiment that measures.

    Raises:
        ValueError: a value that is not positive.
    """

    seed: int = option(0, "of the data split, the initial values, the order of batches and all draws")
    steps: int = option(20, "ascent steps of the worst case")
    samples: int = option(20, "draws of the average case")
    probes: int = option(2, "probes of the spectrum")
    lanczos: int = option(20, "Lanczos steps of the spectrum, from each probe")
    threads: int = option(2, "CPU threads; runs with equal threads are bit-equal")
    output: Path = option(Path("results"), "folder to write to")

    def __post_init__(self) -> None:
        for name in ("steps", "samples", "probes", "lanczos", "threads"):
            require_positive(name, getattr(self, name))

    def generator(self) -> torch.Generator:
        """A generator in the state of the seed: every stage has its own, so that stages can be run alone."""
        return torch.Generator().manual_seed(self.seed)
