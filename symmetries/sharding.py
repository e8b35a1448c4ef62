"""Tensors of which every process holds a shard, and the whole of them."""

from collections.abc import Mapping

from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a sharded tensor, on every process; any other tensor is whole already.

    Every process takes part. Numbers made of sharded tensors go through here before anyone looks at them: of a sum that
    is still to be taken over processes, ``float()`` is this process's part.
    """
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def own_shard(tensor: Tensor) -> Tensor:
    """This process's shard, sharing memory; any other tensor as it is."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def laid_out(tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor that every process has whole, sharded as ``like`` is, then without a graph; nothing is communicated.

    Law: ``whole(laid_out(tensor, like)) == tensor``.
    """
    if not isinstance(like, DTensor):
        return tensor
    placed = distribute_tensor(tensor.detach(), like.device_mesh, like.placements, src_data_rank=None)
    return placed.clone()  # a shard may be a view, which would keep all of the tensor


def require_whole(params: Mapping[str, Tensor], advice: str) -> None:
    """Raise ``ValueError`` with some advice where a parameter is sharded."""
    sharded = [name for name, p in params.items() if isinstance(p, DTensor)]
    if sharded:
        raise ValueError(
            f"expected whole parameters, got {len(sharded)} sharded ones, such as {sharded[0]!r}: {advice}"
        )
