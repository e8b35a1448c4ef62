"""The geometry of parameters modulo a symmetry."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import networkx as nx
import torch

from symmetries import ModelSymmetry, Params, Tangent, require_finite

from .block import AbstractBlock
from .chain_block import ChainBlock
from .chart import CarriedChart, QuotientChart
from .geodesic import AbstractGeodesic, Exact, Taylor
from .geometry import AbstractChart, AbstractGeometry
from .layout import Layout
from .metric import AbstractMetric, Invariant
from .pair_block import PairBlock
from .rest_block import Rest, RestBlock

#: Canonical parameters are on their section up to rounding of sums over a row: this many units in the last place.
_SECTION_ULPS = 256.0


@dataclass(frozen=True)
class Quotient(AbstractGeometry):
    r"""Parameters modulo their symmetries: horizontal velocities, geodesics of an invariant metric.

    Factor pairs carry ``metric`` and move along ``geodesic``; coupled rescalings carry the elementwise metric; what is
    outside every pair is measured by ``rest`` and moves on straight lines, on one ball with one radius (squared norms
    add up). Absorptions are taken out by their section: the geometry at a point off the section is that of its
    representative, carried over by the group element in between.

    Law: with ``g`` in the group, ``exp(g p, g u) == g exp(p, u)`` and ``norm(g p, g u) == norm(p, u)``.

    Example:
        >>> import torch
        >>> from symmetries import GeneralLinear, ModelSymmetry, Symmetry, View
        >>> pair = Symmetry(GeneralLinear(2), (View("B", "n h -> 1 n h"),), (View("A", "h m -> 1 m h"),))
        >>> p = {"B": torch.eye(3, 2), "A": torch.ones(2, 4) + torch.eye(2, 4)}
        >>> geometry = Quotient(ModelSymmetry((pair,), {name: w.shape for name, w in p.items()}))
        >>> u = geometry.random(p, torch.Generator().manual_seed(0))
        >>> g = ModelSymmetry((pair,), geometry.symmetry.shapes).random(torch.Generator().manual_seed(1))
        >>> moved, carried = geometry.symmetry.act(g, p), geometry.symmetry.act(g, u)  # this action is linear
        >>> torch.allclose(geometry.norm(moved, carried), geometry.norm(p, u))
        True

    Args:
        symmetry: the group.
        metric: on factor pairs, ``Invariant()``, ``Mixed()`` or ``Embedded()``.
        geodesic: ``Exact()``, ``Taylor(order)`` or ``RungeKutta(steps)``.
        rest: ``"elementwise"``, ``"tensorwise"``, ``"euclidean"`` or ``"frozen"``.
        damping: keeps the invariance while one factor of a pair lacks full rank, in units of squared singular values of
            the product; needs ``Taylor(1)``.
        horizontal: False keeps vertical directions in the ball, for ablations: the projection is left out.

    Raises:
        ValueError: ``Exact()`` where the metric has no closed form; damping with a curved geodesic; an unknown
            ``rest``; coupled symmetries beyond rescalings; at a point: NaN or Inf, a rank-deficient pair.
    """

    symmetry: ModelSymmetry
    metric: AbstractMetric = field(default_factory=Invariant)
    geodesic: AbstractGeodesic = field(default_factory=Exact)
    rest: Rest = "elementwise"
    damping: float = 0.0
    horizontal: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.geodesic, Exact) and not self.metric.closed_form:
            raise ValueError(
                f"{type(self.metric).__name__}() has no closed-form geodesic: give geodesic=Taylor(order) or "
                "geodesic=RungeKutta(steps), or metric=Invariant()"
            )
        if not self.damping >= 0.0:
            raise ValueError(f"damping must not be negative, got {self.damping}")
        if self.damping and self.geodesic != Taylor(1):
            raise ValueError(f"geodesics of a damped metric are not known: give Taylor(1), got {self.geodesic}")
        if self.metric.core != 1.0 and (self.damping or not self.horizontal):
            raise ValueError(
                f"{type(self.metric).__name__}() is a metric of horizontal tangents at pairs of full rank: give "
                f"damping=0.0 and horizontal=True, got {self.damping} and {self.horizontal}"
            )
        if self.rest not in ("elementwise", "tensorwise", "euclidean", "frozen"):
            raise ValueError(f"rest must be elementwise, tensorwise, euclidean or frozen, got {self.rest!r}")

    def chart(self, params: Params) -> AbstractChart:
        """Normal coordinates at ``params``, carried over from the section where ``params`` is off it."""
        require_finite(params)
        self.symmetry.require(params)
        params = {name: p.detach() for name, p in params.items()}
        if not self.symmetry.statistics and self._is_settled(params):
            return QuotientChart(params, self._blocks(params), self.horizontal)
        settled, element = self.symmetry.settled(params, balance="none")
        point = self.symmetry.folded(settled)
        return CarriedChart(params, self.symmetry, element, QuotientChart(point, self._blocks(point), self.horizontal))

    def representative(self, params: Params) -> Params:
        """The canonical representative; coupled pairs stay as they are, their charts do not depend on where that is."""
        return self.symmetry.canonical({name: p.detach() for name, p in params.items()}, balance="single")

    def restricted(self, names: Iterable[str]) -> "Quotient":
        """Modulo the factors that move none but these parameters."""
        return replace(self, symmetry=self.symmetry.restricted(names))

    def parts(self, names: Iterable[str]) -> list[frozenset[str]]:
        """Parameters that pairs and absorptions move together, directly or through others."""
        graph: nx.Graph = nx.Graph()
        graph.add_nodes_from(names)
        for factor in (*self.symmetry.pairs, *self.symmetry.absorptions):
            nx.add_path(graph, sorted(factor.parameters))
        for norm in self.symmetry.statistics:
            nx.add_path(graph, [name for name in (norm.gain, norm.shift) if name in graph])
        return [frozenset(part) for part in nx.connected_components(graph)]

    def carry(self, params: Params, tangent: Tangent) -> Tangent:
        """The tangent at ``representative(params)`` that ``tangent`` at ``params`` is carried to by the group."""
        params = {name: p.detach() for name, p in params.items()}
        return self.symmetry.push(self.symmetry.section(params, balance="single"), params, tangent)

    def _blocks(self, params: Params) -> list[AbstractBlock]:
        rest: list[AbstractBlock] = [RestBlock(self._layout.rest, params, self.rest)]
        chains = [ChainBlock(chain, params, self.geodesic) for chain in self._layout.chains]
        pairs = [PairBlock(b, params, self.metric, self.geodesic, self.damping) for b in self._layout.batches]
        return rest + chains + pairs

    def _is_settled(self, params: Params) -> bool:
        """Whether the way to the section is no more than rounding, so that none of its steps need be taken."""
        if not self.symmetry.absorptions:
            return True
        eps = max(torch.finfo(p.dtype).eps for p in params.values())
        sizes = [torch.stack(p.aminmax()).abs().max() for p in params.values()]
        near = _SECTION_ULPS * eps * (1.0 + float(torch.stack(sizes).max()))  # one synchronisation
        steps = ((absorption, absorption.section(params)) for absorption in self.symmetry.absorptions)
        return all(step is None or float((a.inverse(step) - step).abs().max()) <= near for a, step in steps)

    @cached_property
    def _layout(self) -> Layout:
        return Layout.of(self.symmetry)
