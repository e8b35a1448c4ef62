"""Two processes of one machine, joined by gloo: what every test of distributed code starts from."""

import gc
import multiprocessing
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from experiments.benchmarks.isolation import ALLOCATOR, PRELOADED

WORLD = 2
#: A process that waits for one that has failed gives up after this long.
_PATIENCE = timedelta(seconds=60)


def in_two_processes(worker: Callable[[int, Any], Any], argument: Any, folder: Path) -> list[Any]:
    """What ``worker(rank, argument)`` returns in each; both have to be what pickle and ``torch.save`` take."""
    # A server imports the libraries once, and forks before anything in it has a thread. A process
    # has one server: it is that of the benchmarks, whichever test comes first.
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    os.environ.update(ALLOCATOR)
    torch.multiprocessing.start_processes(
        _joined, args=(worker, argument, str(folder)), nprocs=WORLD, start_method="forkserver"
    )
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(WORLD)]


def _joined(rank: int, worker: Callable[[int, Any], Any], argument: Any, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"  # a machine's name need not lead back to it
    store = f"file://{folder}/store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=WORLD, timeout=_PATIENCE)
    torch.save(worker(rank, argument), f"{folder}/{rank}.pt")
    gc.collect()  # what holds on to the group goes before it
    dist.barrier()
    dist.destroy_process_group()
