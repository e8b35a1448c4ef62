"""A number that was estimated from random products, and its error."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A number, how far it can be trusted, and what it cost.

    Args:
        value: the estimate.
        stderr: its stated error: the truth lies within two of them in 95 % of repeats. For sums over a spectrum it
            holds the error of too few Lanczos steps too, which averages out over no number of probes.
        products: how many products with the operator were taken.
    """

    value: float
    stderr: float
    products: int

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.6g} ± {self.stderr:.2g}"
