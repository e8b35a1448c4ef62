"""Who holds which sharded parameters whole, and how they get there and back."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor

from symmetries import Params, laid_out, whole

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
        plain = [name for name, p in params.items() if not isinstance(p, DTensor)]
        if plain or not params:
            raise ValueError(
                "expected sharded parameters (DTensor, as fully_shard makes them), got whole ones "
                f"{plain[:3]}; for those take the geometry as it is"
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

    def dealt(self, own: Params, like: Params) -> Params:
        """From what every process holds whole, the shards of all, laid out as ``like``; they have no graph.

        One tensor after the other goes from its owner to all, of which each keeps its shard.
        """
        here, group = self.mesh.get_local_rank(), self.mesh.get_group()
        shards = {}
        for name, place in self.owner.items():
            shard = like[name]
            tensor = (
                own[name].detach().contiguous()
                if place == here
                else torch.empty(shard.shape, dtype=shard.dtype, device=shard.device)
            )
            dist.broadcast(tensor, group=group, group_src=place)
            shards[name] = laid_out(tensor, shard)
        return shards

    def total(self, value: Tensor) -> Tensor:
        """The sum over processes, without a graph."""
        value = value.detach().clone()
        dist.all_reduce(value, group=self.mesh.get_group())
        return value

    def from_all(self, item: Result) -> list[Result]:
        """What every process gives, in order: something small that can be pickled."""
        items: list[Result] = [item] * self.mesh.size()
        dist.all_gather_object(items, item, group=self.mesh.get_group())
        return items

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
        for told in self.from_all(refusal):
            if told is not None:
                raise ValueError(told)
        return results[0]
