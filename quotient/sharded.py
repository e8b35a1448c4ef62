"""Any geometry, on parameters of which every process holds a shard."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Shard

from symmetries import Covector, Params, Tangent

from .coordinates import Coordinates, size, unflattened
from .geometry import AbstractChart, AbstractGeometry
from .ownership import Ownership
from .pullback import Pullback


@dataclass(frozen=True)
class Sharded(AbstractGeometry):
    r"""A geometry whose points are sharded over processes, as ``fully_shard`` leaves the parameters of a model.

    A geometry is a product over parts that no symmetry joins, such as an attention block with the norm before it, or an
    MLP with its norm. Every part has an owner, which holds its parameters whole while geometry is done: charts,
    projections and geodesics are those of the geometry itself, each on one process. Coordinates are sharded by
    owner, in one ``DTensor``; inner products are sums over processes. Points, tangents and covectors come and go as
    shards, laid out as the parameters are.

    Law: ``whole(Sharded.of(geometry, p).exp(p, u)) == geometry.exp(whole(p), whole(u))``.

    With m parameters on P processes, k of them in the largest part and t in the largest tensor, a process holds at most
    :math:`m / P + k` for each vector of a chart, and t more while tensors come and go. Every coming and every going
    sends all m over the network. A geometry that is one part, such as a chain of ReLU layers whose units are all
    coupled, is on a single process.

    Every method is a collective one. Draws come from one stream for all: generators in the same state. ``exp`` has no
    graph; ``linearized`` has the transpose of its differential.

    Args:
        geometry: what to shard.
        ownership: of the parameters; :meth:`of` makes it.
    """

    geometry: AbstractGeometry
    ownership: Ownership

    @classmethod
    def of(cls, geometry: AbstractGeometry, params: Params) -> "Sharded":
        """For parameters that are sharded like these; their values are not looked at.

        Args:
            geometry: what to shard.
            params: such as ``dict(model.named_parameters())`` after ``fully_shard(model)``.

        Raises:
            ValueError: parameters that are not sharded, or not all over one mesh with one axis.
        """
        return cls(geometry, Ownership.of(params, geometry.parts(params)))

    def chart(self, params: Params) -> "ShardedChart":
        """The charts of all parts, each with its owner."""
        params = {name: p.detach() for name, p in params.items()}
        own = self.ownership.collected(params)
        return ShardedChart(params, self.ownership, self.ownership.together(lambda: self._own.chart(own)))

    def representative(self, params: Params) -> Params:
        """Every part at its own."""
        own = self.ownership.collected(params)
        moved = self.ownership.together(lambda: self._own.representative(own))
        return params if moved is own else self.ownership.dealt(moved, params)

    def restricted(self, names: Iterable[str]) -> "Sharded":
        """With the same owners."""
        names = list(names)
        return Sharded(self.geometry.restricted(names), self.ownership.restricted(names))

    def carry(self, params: Params, tangent: Tangent) -> Tangent:
        """Every part by itself."""
        own, velocity = self.ownership.collected(params), self.ownership.collected(tangent)
        carried = self._own.carry(own, velocity)
        return tangent if carried is velocity else self.ownership.dealt(carried, params)

    def parts(self, names: Iterable[str]) -> list[frozenset[str]]:
        """Those of the geometry."""
        return self.geometry.parts(names)

    @cached_property
    def _own(self) -> AbstractGeometry:
        return self.geometry.restricted(self.ownership.own)


class ShardedChart(AbstractChart):
    """Charts of the parts of a point, each on one process; coordinates lie side by side, padded to one length.

    Args:
        point: sharded.
        ownership: of its parameters.
        chart: of the parameters that this process owns.
    """

    def __init__(self, point: Params, ownership: Ownership, chart: AbstractChart) -> None:
        self.point = point
        self._ownership, self._chart = ownership, chart
        self._origin = chart.zeros()
        self._device = next(iter(point.values())).device
        self._dtype = reduce(torch.promote_types, (p.dtype for p in point.values()))
        found = ownership.from_all((size(self._origin), chart.dimension, chart.is_straight))
        entries, dimensions, straight = zip(*found, strict=True)
        self._entries, self._dimension, self._straight = max(entries), sum(dimensions), all(straight)

    @property
    def dimension(self) -> int:
        """The sum over processes."""
        return self._dimension

    def zeros(self) -> Coordinates:
        """One sharded tensor."""
        return self._packed(self._origin)

    def vector(self, x: Coordinates) -> Tangent:
        """Every part by itself."""
        return self._dealt(self._chart.vector(self._unpacked(x)))

    def coordinates(self, tangent: Tangent) -> Coordinates:
        """Every part by itself."""
        return self._packed(self._chart.coordinates(self._ownership.collected(tangent)))

    def components(self, covector: Covector) -> Coordinates:
        """Every part by itself."""
        return self._packed(self._chart.components(self._ownership.collected(covector)))

    def covector(self, x: Coordinates) -> Covector:
        """Every part by itself."""
        return self._dealt(self._chart.covector(self._unpacked(x)))

    def project(self, x: Coordinates) -> Coordinates:
        """Every part by itself; nothing is communicated."""
        return self._packed(self._chart.project(self._unpacked(x)))

    def second_moments(self, x: Coordinates) -> Coordinates:
        """Every part by itself; nothing is communicated."""
        own = self._unpacked(x)
        moments = self._chart.second_moments(own)
        return self._packed(tuple(m.expand_as(a) for m, a in zip(moments, own, strict=True)))

    def exp(self, x: Coordinates) -> Params:
        """Every part by itself."""
        return self._dealt(self._chart.exp(self._unpacked(x)))

    def linearized(self, x: Coordinates, *, into: Params | None = None) -> tuple[Params, Pullback]:
        """Every part by itself, in memory of its own."""
        end, pull = self._chart.linearized(self._unpacked(x))
        return self._dealt(end), lambda c: self._packed(pull(self._ownership.collected(c)))

    @property
    def is_straight(self) -> bool:
        """Whether all parts are."""
        return self._straight

    def bending(self, covector: Covector, x: Coordinates) -> Tensor | None:
        """The sum over processes; its gradient at this process's coordinates is that of its own term."""
        if self._straight:
            return None
        form = self._chart.bending(self._ownership.collected(covector), self._unpacked(x))
        own = (0.0 * _local(x)).sum().double() if form is None else form
        return own + (self._ownership.total(own) - own.detach())

    def transported(self, x: Coordinates, y: Coordinates) -> Tangent:
        """Every part by itself."""
        return self._dealt(self._chart.transported(self._unpacked(x), self._unpacked(y)))

    def _packed(self, own: Coordinates) -> Coordinates:
        padding = torch.zeros(self._entries - size(own), dtype=self._dtype, device=self._device)
        flat = torch.cat([*(a.reshape(-1).to(self._dtype) for a in own), padding])
        return (DTensor.from_local(flat, self._ownership.mesh, [Shard(0)], run_check=False),)

    def _unpacked(self, x: Coordinates) -> Coordinates:
        return unflattened(_local(x)[: size(self._origin)], self._origin)

    def _dealt(self, own: Params) -> Params:
        return self._ownership.dealt(own, self.point)


def _local(x: Coordinates) -> Tensor:
    """This process's coordinates, padded."""
    (packed,) = x
    if not isinstance(packed, DTensor):
        raise TypeError(f"expected coordinates of a sharded chart, one DTensor, got a {type(packed).__name__}")
    return packed.to_local()
