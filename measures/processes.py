"""The processes that evaluate a loss together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from symmetries import Covector, Params, laid_out, whole

Item = TypeVar("Item")

#: Processes on unlike hardware round differently; random draws that differ are apart by more.
_SAME = 1e-6


@dataclass(frozen=True)
class Processes:
    """Several processes with one point and one set of data, each of which evaluates its share of the terms of a loss.

    Whatever leaves an evaluation is summed over all of them, so that every process holds the same numbers, bit for bit,
    and an algorithm written for one process takes the same course on all. Every process takes part in every sum, with
    zero where it has no share.

    Args:
        group: of ``torch.distributed``; None for a process by itself.

    Raises:
        ValueError: a group that this process does not belong to.
    """

    group: dist.ProcessGroup | None = None

    def __post_init__(self) -> None:
        if self.group is not None and dist.get_rank(self.group) < 0:
            raise ValueError("expected a group of processes that this one belongs to; leave group=... out here")

    @property
    def count(self) -> int:
        """How many there are."""
        return 1 if self.group is None else dist.get_world_size(self.group)

    def share(self, items: Sequence[Item]) -> list[Item]:
        """Those of this process: every ``count``-th, so that shares differ by one at most."""
        return list(items) if self.group is None else list(items[dist.get_rank(self.group) :: self.count])

    def total(self, values: Tensor) -> Tensor:
        """The sum over processes, without a graph; of a process by itself the values as they are."""
        if self.count == 1:
            return values
        values = values.detach().clone()
        dist.all_reduce(values, group=self.group)
        return values

    def gathered(self, params: Params, what: str) -> Params:
        """Every parameter whole, as this process needs it to evaluate the model.

        Args:
            params: or a tangent; sharded or not.
            what: to call it in the error.

        Raises:
            ValueError: processes that hold different ones.
        """
        found = {name: whole(p) for name, p in params.items()}
        if self.count > 1:
            self.require_same(fingerprint(found.values()), what)
        return found

    def leaves(self, params: Params) -> Params:
        """The point itself, whole and detached, to be differentiated at."""
        found = self.gathered({name: p.detach() for name, p in params.items()}, "parameters")
        return {name: p.requires_grad_() for name, p in found.items()}

    def reduced(self, covector: Covector, like: Params) -> Covector:
        """The sum of differentials over processes, each sharded as the parameter in ``like`` is."""
        if self.count > 1:
            covector = {name: c.clone(memory_format=torch.contiguous_format) for name, c in covector.items()}
            sums = [dist.all_reduce(c, group=self.group, async_op=True) for c in covector.values()]
            for pending in sums:
                pending.wait()
        return {name: laid_out(c, like[name]) for name, c in covector.items()}

    def require_same(self, mark: Tensor, what: str) -> None:
        """Raise ``ValueError``, on every process, where the marks of the processes differ by more than rounding."""
        marks: list[list[float]] = [[]] * self.count
        dist.all_gather_object(marks, mark.tolist(), group=self.group)  # from any device, whatever the backend
        found = torch.tensor(marks, dtype=torch.float64)
        if not torch.allclose(found, found[:1].expand_as(found), _SAME, _SAME, equal_nan=True):
            raise ValueError(
                f"processes hold different {what}: give all of them the same model, the same batches in the same "
                "order, and a torch.Generator with the same seed for every draw"
            )


def fingerprint(tensors: Iterable[Tensor]) -> Tensor:
    """Two numbers that tell tensors, and their order, apart: a weighted sum in units of the norm, and the norm.

    Float64, on the device of the tensors.

    Example:
        >>> a, b = torch.ones(2), torch.zeros(3)
        >>> fingerprint([a, b]).allclose(fingerprint([b, a]))
        False
    """
    table = [torch.stack([t.sum(dtype=torch.float64), torch.linalg.vector_norm(t.double())]) for t in tensors]
    if not table:
        return torch.zeros(2, dtype=torch.float64)
    sums, norms = torch.stack(table).detach().unbind(dim=1)
    norm = torch.linalg.vector_norm(norms)
    weights = torch.linspace(0.5, 1.0, len(table), dtype=torch.float64, device=sums.device)
    return torch.stack([weights @ sums / norm.clamp_min(torch.finfo(norm.dtype).tiny), norm])
