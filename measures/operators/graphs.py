"""Computation graphs that are kept for further derivatives, as far as memory goes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from symmetries import Params

from .memory import free_memory

Graph = TypeVar("Graph")

#: The part of the free memory that kept graphs may take by default: the other half is for what is done with them.
_SHARE = 0.5


class Graphs(Generic[Graph]):
    """Values with their graphs, built once while they fit in memory, and at every iteration where they do not.

    The first is always built to be measured. It is kept if it fits, and so is each one after it that would still fit if
    it were as large as the one before. An iteration therefore needs at most one graph beyond the budget.

    Args:
        build: makes the values, one after the other, each with its graph.
        leaves: the parameters; they do not count.
        memory: bytes that kept graphs may hold; by default half of what is free, 0 to keep none.

    Raises:
        ValueError: a negative budget.
    """

    def __init__(self, build: Sequence[Callable[[], Graph]], leaves: Params, memory: int | None = None) -> None:
        if memory is not None and memory < 0:
            raise ValueError(f"memory must be a number of bytes, not negative, got {memory}")
        device = next(iter(leaves.values())).device
        budget = int(_SHARE * free_memory(device)) if memory is None else memory
        self._build = build
        self._kept: list[Graph] = []
        held = 0
        for make in build if budget else ():
            graph, size = _measured(make, leaves)
            held += size
            if held <= budget:
                self._kept.append(graph)
            if held + size > budget:
                break

    @property
    def kept(self) -> int:
        """How many are held."""
        return len(self._kept)

    def __iter__(self) -> Iterator[Graph]:
        yield from self._kept
        for make in self._build[len(self._kept) :]:
            yield make()


def _measured(make: Callable[[], Graph], leaves: Params) -> tuple[Graph, int]:
    """What ``make`` returns, and the bytes of the tensors that its graph holds beside the leaves."""
    known = {p.untyped_storage().data_ptr() for p in leaves.values()}
    sizes: dict[int, int] = {}

    def seen(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            sizes[storage.data_ptr()] = storage.nbytes()
        # Without its own graph: an output that its node holds whole would keep the node alive for ever.
        return tensor.detach()

    with saved_tensors_hooks(seen, lambda tensor: tensor):
        graph = make()
    return graph, sum(sizes.values())
