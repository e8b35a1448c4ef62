"""The processes that ``torchrun`` starts for one experiment."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from datetime import timedelta

import torch
import torch.distributed as dist

#: While one process trains, the others wait; torchrun ends them all when one fails.
_PATIENCE = timedelta(days=1)


@contextmanager
def joined(device: str) -> Iterator[dist.ProcessGroup | None]:
    """The group of all processes, of which the first alone prints; None where ``torchrun`` has not started this one.

    Args:
        device: ``"cpu"``, or ``"cuda"``: then every process has a GPU of its own.

    Raises:
        ValueError: a device without a backend, or fewer GPUs than processes.
    """
    if not dist.is_torchelastic_launched():
        yield None
        return
    backend = {"cpu": "gloo", "cuda": "nccl"}.get(device)
    if backend is None or not dist.is_backend_available(backend):
        raise ValueError(f"expected --device cpu (gloo) or cuda (nccl) under torchrun, got {device}: no backend for it")
    if device == "cuda":
        place, count = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if place >= count:
            raise ValueError(f"every process needs a GPU of its own, got {count} GPUs: give --nproc-per-node {count}")
        torch.cuda.set_device(place)
    dist.init_process_group(backend, timeout=_PATIENCE)
    try:
        with nullcontext() if leads(dist.group.WORLD) else redirect_stdout(io.StringIO()):
            yield dist.group.WORLD
        dist.barrier()  # nobody leaves while others still listen
    finally:
        dist.destroy_process_group()


def leads(group: dist.ProcessGroup | None) -> bool:
    """Whether this process writes what is to be written once."""
    return group is None or dist.get_rank(group) == 0


@contextmanager
def one_first(group: dist.ProcessGroup | None) -> Iterator[None]:
    """The first process goes through the block before the others, which then find the files that it left."""
    if not leads(group):
        dist.barrier(group)
    yield
    if group is not None and leads(group):
        dist.barrier(group)
