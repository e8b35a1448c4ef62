"""Sketches of an operator: directions that hold most of it, on which its trace is known."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from torch import Tensor

from ..operators.operator import AbstractOperator
from ..operators.orthogonalization import Rows

#: Rows that may fail to lower the expected cost before a sketch stops growing: one estimate of that cost is noisy.
PATIENCE = 4

#: Stands for a trace that came out zero.
TINY = 1e-150


class AbstractSketch(ABC):
    r"""Orthonormal rows Q, with :math:`\mathrm{tr}\, Q A Q^T`, that grow one at a time.

    Attributes:
        operator: A.
    """

    operator: AbstractOperator

    @property
    @abstractmethod
    def products(self) -> int:
        """How many were taken."""

    @property
    @abstractmethod
    def exhausted(self) -> bool:
        """Whether Q spans the range of A, so that its trace is that of A."""

    @property
    @abstractmethod
    def is_full(self) -> bool:
        """Whether no more rows fit."""

    @property
    @abstractmethod
    def rows(self) -> Rows:
        """Q, k vectors of length n."""

    @property
    @abstractmethod
    def trace(self) -> float:
        r"""The trace of :math:`Q A Q^T`."""

    @abstractmethod
    def caught(self, x: Tensor, image: Tensor) -> float:
        r""":math:`|Q A x|^2` for an x orthogonal to the rows, given ``A x``."""

    @abstractmethod
    def grow(self) -> None:
        """Add a row."""

    @abstractmethod
    def cost(self, rtol: float) -> float:
        """How many products are expected in all for that relative standard error, up to a constant, without growing."""

    def growth(self, rtol: float | None = None) -> Iterator[None]:
        """Grow row by row; with ``rtol`` only while that lowers the expected number of products [Persson2022]."""
        costs: list[float] = []
        while not (self.exhausted or self.is_full):
            self.grow()
            yield
            if rtol is not None:
                costs.append(self.cost(rtol))
                if len(costs) > PATIENCE + costs.index(min(costs)):
                    return
