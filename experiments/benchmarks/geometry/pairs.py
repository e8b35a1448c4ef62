"""Query-key pairs of a transformer, and nothing else."""

import math
from dataclasses import dataclass

import torch
from torch import Generator

from quotient import AbstractChart, AbstractGeodesic, AbstractMetric, Exact, Invariant, Quotient
from symmetries import GeneralLinear, ModelSymmetry, Params, Symmetry, View


@dataclass(frozen=True)
class Pairs:
    """Sizes.

    Args:
        depth: layers.
        width: of the residual stream, n.
        heads: in a layer.
        head: its size, h.
    """

    depth: int = 4
    width: int = 384
    heads: int = 6
    head: int = 64

    @property
    def copies(self) -> int:
        """The number of pairs."""
        return self.depth * self.heads

    @property
    def work(self) -> float:
        r"""The predicted time of one step of geometry, :math:`\text{copies}\,(18 n h^2 + 60 h^3)` multiplications.

        On the way out and back each factor and its velocity meet nine products with small matrices, and the small
        matrices of one factor some thirty among themselves.
        """
        return self.copies * (18 * self.width * self.head**2 + 60 * self.head**3)

    def chart(
        self,
        generator: Generator,
        metric: AbstractMetric = Invariant(),
        geodesic: AbstractGeodesic = Exact(),
        *,
        dtype: torch.dtype = torch.float32,
    ) -> AbstractChart:
        """Normal coordinates of the quotient at random parameters."""
        params: Params = {}
        factors = []
        for layer in range(self.depth):
            names = f"{layer}.q", f"{layer}.k"
            for name in names:
                draw = torch.randn(self.heads * self.head, self.width, generator=generator, dtype=dtype)
                params[name] = draw / math.sqrt(self.width)
            queries, keys = (View(name, "(copies h) n -> copies n h", copies=self.heads) for name in names)
            factors.append(Symmetry(GeneralLinear(self.head), (queries,), (keys,)))
        symmetry = ModelSymmetry(tuple(factors), {name: p.shape for name, p in params.items()})
        return Quotient(symmetry, metric, geodesic).chart(params)
