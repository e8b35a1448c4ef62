"""Who holds which sharded parameters whole, and how they get there and back."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor

from symmetries import Params

from .sharding import laid_out, whole

Result = TypeVar("Result")


@dataclass(frozen=True)
class Ownership:
    """A process for every sharded parameter, which holds it whole while geometry is done.

    Args:
        mesh: of the processes, with one axis.
        owner: for every parameter, the place of its process in the mesh.
    """

    mesh: DeviceMesh
    owner: Mapping[str, int]

    @classmethod
    def of(cls, params: Params, parts: Iterable[Set[str]]) -> "Ownership":
        """Parts that must stay together, the largest first, each to the process that has least so far.

        Args:
            params: sharded.
            parts: of their names.

        Raises:
            ValueError: parameters that are not sharded, or not all over one mesh with one axis.
        """
        whole_ones = [name for name, p in params.items() if not isinstance(p, DTensor)]
        if whole_ones or not params:
            raise ValueError(
                "expected sharded parameters (DTensor, as fully_shard makes them), got whole ones "
                f"{whole_ones[:3]}; for those take the geometry as it is"
            )
        meshes = {p.device_mesh for p in params.values() if isinstance(p, DTensor)}
        mesh = meshes.pop()
        if meshes or mesh.ndim != 1:
            raise ValueError(f"expected one mesh of one axis, got {[mesh, *meshes]}: shard over all processes alike")
        sizes = {tuple(sorted(part)): sum(params[name].numel() for name in part) for part in parts}
        load = [0] * mesh.size()
        owner: dict[str, int] = {}
        for names, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
            place = load.index(min(load))
            load[place] += size
            owner |= dict.fromkeys(names, place)
        return cls(mesh, {name: owner[name] for name in params})

    @property
    def own(self) -> list[str]:
        """The parameters of this process."""
        return [name for name, place in self.owner.items() if place == self.mesh.get_local_rank()]

    def restricted(self, names: Iterable[str]) -> "Ownership":
        """For some of the parameters."""
        kept = set(names)
        return replace(self, owner={name: place for name, place in self.owner.items() if name in kept})

    def collected(self, tensors: Params) -> Params:
        """This process's parameters (or what else has their shapes), whole; one more is held at a time."""
        gathered = ((name, place, whole(tensors[name])) for name, place in self.owner.items())
        return {name: tensor for name, place, tensor in gathered if place == self.mesh.get_local_rank()}

    def dealt(self, own: Params, like: Params, anchor: Tensor) -> Params:
        """From what every process holds whole, the shards of all, laid out as ``like``; once differentiable.

        Args:
            own: whole, those of this process.
            like: sharded.
            anchor: what ``own`` was made of. Where a process owns nothing, it still takes part in the pass back.
        """
        wholes = (own[name] for name in self.own)
        shards: tuple[Tensor, ...] = _Dealt.apply(self, like, anchor, *wholes)  # type: ignore[no-untyped-call]
        return dict(zip(self.owner, shards, strict=True))

    def total(self, value: Tensor) -> Tensor:
        """The sum over processes, without a graph."""
        value = value.detach().clone()
        dist.all_reduce(value, group=self.mesh.get_group())
        return value

    def together(self, compute: Callable[[], Result]) -> Result:
        """What ``compute`` returns on this process; what it refuses on any, all refuse, so that none is left waiting.

        Raises:
            ValueError: what the first process said whose parameters were refused.
        """
        results: list[Result] = []
        refusal = None
        try:
            results.append(compute())
        except ValueError as error:
            refusal = str(error)
        refusals: list[str | None] = [None] * self.mesh.size()
        dist.all_gather_object(refusals, refusal, group=self.mesh.get_group())
        for told in refusals:
            if told is not None:
                raise ValueError(told)
        return results[0]


class _Dealt(torch.autograd.Function):
    """Whole tensors on their owners to shards on all; backwards, from differentials of shards to those of the whole."""

    @staticmethod
    def forward(ctx: Any, ownership: Ownership, like: Params, anchor: Tensor, *own: Tensor) -> tuple[Tensor, ...]:
        """One parameter after the other, from its owner to all, of which each keeps its shard."""
        ctx.ownership, ctx.like, ctx.anchor = ownership, like, anchor
        ctx.set_materialize_grads(False)
        group, here = ownership.mesh.get_group(), ownership.mesh.get_local_rank()
        mine = iter(own)
        shards = []
        for name, place in ownership.owner.items():
            shape, dtype = like[name].shape, like[name].dtype
            tensor = next(mine).contiguous() if place == here else torch.empty(shape, dtype=dtype, device=anchor.device)
            dist.broadcast(tensor, group=group, group_src=place)
            shards.append(laid_out(tensor, like[name]))
        return tuple(shards)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Any, ...]:
        """The transpose of keeping a shard is to put shards together."""
        named = zip(ctx.ownership.owner, slopes, strict=True)
        given = {name: torch.zeros_like(ctx.like[name]) if slope is None else slope for name, slope in named}
        return None, None, torch.zeros_like(ctx.anchor), *ctx.ownership.collected(given).values()
