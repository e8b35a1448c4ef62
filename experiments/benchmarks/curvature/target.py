"""What everybody has to reach, and what it costs them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from measures import timed

from .competitors import AbstractCompetitor
from .search import smallest
from .truth import COUNT, Truth

#: Relative error of each of the leading eigenvalues.
EIGENVALUE_ERROR = 1e-4
#: Standard error of the trace, relative to it.
TRACE_ERROR = 1e-2
#: Distance of spectral densities of mass 1.
DENSITY_ERROR = 1e-3


@dataclass(frozen=True)
class Attempt:
    """One run of a competitor.

    Args:
        effort: what it was asked for.
        seconds: of the run.
        products: with the Hessian, None where the library does not tell.
        error: against the truth.
        reached: whether it is what was wanted.
    """

    effort: float
    seconds: float
    products: int | None
    error: float
    reached: bool


class AbstractTarget(ABC):
    """A number to compute, and how well.

    Attributes:
        title: both, in words.
    """

    title: ClassVar[str]

    def attempts(
        self, competitor: AbstractCompetitor, truth: Truth, *, seed: int, report: Callable[[Attempt], None]
    ) -> None:
        """Search for the smallest effort that reaches the target, and report every run as it ends."""

        def enough(effort: float) -> bool:
            (products, error, reached), seconds = timed(lambda: self.run(competitor, effort, truth, seed))
            report(Attempt(effort, seconds, products, error, reached))
            return reached

        smallest(self.efforts(competitor), enough)

    @abstractmethod
    def efforts(self, competitor: AbstractCompetitor) -> Sequence[float]:
        """What to try, ascending."""

    @abstractmethod
    def run(
        self, competitor: AbstractCompetitor, effort: float, truth: Truth, seed: int
    ) -> tuple[int | None, float, bool]:
        """The products taken, the error, and whether the target is reached."""


class EigenvalueTarget(AbstractTarget):
    """The ten eigenvalues of largest modulus, each to a relative error of 1e-4."""

    title = "ten eigenvalues of largest modulus, to 1e-4"

    def efforts(self, competitor: AbstractCompetitor) -> Sequence[float]:
        return competitor.eigenvalue_efforts

    def run(
        self, competitor: AbstractCompetitor, effort: float, truth: Truth, seed: int
    ) -> tuple[int | None, float, bool]:
        values, products = competitor.eigenvalues(COUNT, effort, tolerance=EIGENVALUE_ERROR, seed=seed)
        true = torch.tensor(truth.eigenvalues, dtype=torch.float64)
        error = float(((values - true) / true).abs().max())
        return products, error, error <= EIGENVALUE_ERROR


class TraceTarget(AbstractTarget):
    """The trace with a standard error of 1 %: what the method says of itself, since that is all a user knows."""

    title = "trace, to a standard error of 1 %"

    def efforts(self, competitor: AbstractCompetitor) -> Sequence[float]:
        return competitor.trace_efforts

    def run(
        self, competitor: AbstractCompetitor, effort: float, truth: Truth, seed: int
    ) -> tuple[int | None, float, bool]:
        found = competitor.trace(effort, rtol=TRACE_ERROR, seed=seed)
        return found.products, abs(found.value / truth.trace - 1), found.stderr <= TRACE_ERROR * abs(found.value)


class DensityTarget(AbstractTarget):
    r"""The spectral density to an :math:`L^1` distance of 0.001: one Lanczos run, as long as it takes.

    In as many dimensions one random vector is enough; what decides is the number of steps.
    """

    title = "spectral density, to an L1 distance of 0.001"

    def efforts(self, competitor: AbstractCompetitor) -> Sequence[float]:
        return [round(10 * 1.15**k) for k in range(30)]

    def run(
        self, competitor: AbstractCompetitor, effort: float, truth: Truth, seed: int
    ) -> tuple[int | None, float, bool]:
        density = competitor.density(1, int(effort), seed=seed)
        error = truth.distance(density)
        return density.products, error, error <= DENSITY_ERROR


TARGETS: dict[str, AbstractTarget] = {
    "eigenvalues": EigenvalueTarget(),
    "trace": TraceTarget(),
    "density": DensityTarget(),
}
"""By name."""
