"""What the publication says of its 50 networks, and a choice for all that it leaves open."""

import math
from dataclasses import dataclass

import torch

from ..command import option, require_positive
from .pool import DiagonalPool, trained
from .regression import Gap, SparseRegression


@dataclass(frozen=True, kw_only=True)
class DiagonalSetup:
    """A problem, a pool of networks, and what is measured on them.

    Published: the number of networks, of features, the share of entries that are zero, the training loss.

    Raises:
        ValueError: a value that is not positive, negative noise, or initial values that do not increase.
    """

    seed: int = option(0, "of the problem and the initial values")
    networks: int = option(50, "in the pool (published)")
    features: int = option(200, "of the regression (published)")
    nonzero: int = option(20, "entries of the target that are not zero (published as 90 % sparse)")
    loss: float = option(1e-5, "mean squared error at which training stops (published)")
    samples: int = option(100, "of the regression, fewer than features")
    noise: float = option(0.0, "standard deviation of the errors of the responses")
    gaussian: bool = option(False, "Gaussian entries of the target, in place of equal ones")
    smallest: float = option(1e-3, "standard deviation of the initial values of the first network")
    largest: float = option(0.2, "of those of the last; between them in equal ratios")
    lr: float = option(0.1, "learning rate of gradient descent")
    max_steps: int = option(1_000_000, "of gradient descent at most")
    radius: float = option(0.1, "of the balls")
    gap: Gap = option("population", "'population', 'test set' or 'error of the weights'")

    def __post_init__(self) -> None:
        for name in ("networks", "features", "loss", "samples", "smallest", "lr", "max_steps", "radius"):
            require_positive(name, getattr(self, name))
        if self.noise < 0:
            raise ValueError(f"--noise must not be negative, got {self.noise}")
        if self.smallest > self.largest:
            raise ValueError(f"--smallest must not be above --largest, got {self.smallest} and {self.largest}")
        if self.gap not in ("population", "test set", "error of the weights"):
            raise ValueError(f"--gap must be 'population', 'test set' or 'error of the weights', got {self.gap!r}")

    def pool(self) -> tuple[SparseRegression, DiagonalPool]:
        """The problem and the trained networks that the seed gives."""
        generator = torch.Generator().manual_seed(self.seed)
        problem = SparseRegression.draw(
            self.features,
            self.samples,
            nonzero=self.nonzero,
            noise=self.noise,
            equal=not self.gaussian,
            generator=generator,
        )
        ends = math.log10(self.smallest), math.log10(self.largest)
        scales = torch.logspace(*ends, self.networks, dtype=torch.float64)
        pool = trained(problem, scales, loss=self.loss, lr=self.lr, max_steps=self.max_steps, generator=generator)
        return problem, pool
