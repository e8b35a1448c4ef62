"""What everybody who is compared is asked for."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from measures import Estimate
from quotient import flattened

from ..problem import Problem


@dataclass(frozen=True)
class Density:
    """The atoms of a spectral measure of mass 1.

    Args:
        nodes: shape ``(n,)``.
        weights: shape ``(n,)``.
        products: how many it took.
    """

    nodes: Tensor
    weights: Tensor
    products: int


class AbstractCompetitor(ABC):
    """The Hessian of a problem, as one library computes with it: its own best way to each of three targets.

    Where a library stops by an accuracy of its own it is asked for the target, and has one effort. Where it takes a
    number of steps, or its criterion is not the target, there are several efforts in ascending order; the smallest
    that reaches the target is searched for outside the library, and only the run with it is charged.

    Attributes:
        name: in tables.
        package: the distribution.
        module: what is imported of it.
        calls: how it is called for products, eigenvalues, traces and densities, in Markdown.
        source: where its documentation says so.
        eigenvalue_efforts: ascending.
        trace_efforts: likewise.

    Args:
        problem: a model that is the competitor's own.

    Raises:
        ImportError: the library is missing; the message names the extra to install.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    module: ClassVar[str]
    calls: ClassVar[str]
    source: ClassVar[str]
    eigenvalue_efforts: ClassVar[Sequence[float]] = (0,)
    trace_efforts: ClassVar[Sequence[float]] = (0,)

    @abstractmethod
    def __init__(self, problem: Problem) -> None: ...

    @abstractmethod
    def prepared(self, vector: Tensor) -> Callable[[], Sequence[Tensor]]:
        """The product with a flat vector, to be called: with vectors in the form in which the library has them.

        That is a tensor for every parameter, or a single one that is flat; in the order of the model's parameters.
        """

    def product(self, vector: Tensor) -> Tensor:
        """The Hessian times a vector, both flat."""
        return flattened(self.prepared(vector)())

    @abstractmethod
    def eigenvalues(self, count: int, effort: float, *, tolerance: float, seed: int) -> tuple[Tensor, int | None]:
        """The eigenvalues of largest modulus, largest first; the number of products where it is known."""

    @abstractmethod
    def trace(self, effort: float, *, rtol: float, seed: int) -> Estimate:
        """The trace, with a standard error that is ``rtol`` relative to it where the effort allows."""

    @abstractmethod
    def density(self, probes: int, steps: int, *, seed: int) -> Density:
        """The spectral measure by Lanczos runs of ``steps`` products from ``probes`` random vectors."""
