"""A number that was estimated from random products, and its error."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A number, how far it can be trusted, and what it cost.

    Args:
        value: the estimate.
        stderr: its stated error: the truth lies within two of them in 95 % of repeats.
        products: how many products with the operator were taken.
        unresolved: how far, at most, too few Lanczos steps move a sum over a spectrum. Half of it is part of the
            stated error; more steps reduce it, and more random vectors do not.
    """

    value: float
    stderr: float
    products: int
    unresolved: float = 0.0

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.6g} ± {self.stderr:.2g}"
