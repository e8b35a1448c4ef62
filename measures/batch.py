"""Batches: tensors, alone or nested in tuples, lists and mappings; anything else is passed through."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def tensors(batch: Any) -> Iterator[Tensor]:
    """Every tensor of a batch, in order."""
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from tensors(value)
    elif isinstance(batch, tuple | list):
        for value in batch:
            yield from tensors(value)


def mapped(batch: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """The batch with ``function`` applied to every tensor; a mapping becomes a dictionary."""
    if isinstance(batch, Tensor):
        return function(batch)
    if isinstance(batch, Mapping):
        return {key: mapped(value, function) for key, value in batch.items()}
    if isinstance(batch, tuple | list):
        values = [mapped(value, function) for value in batch]
        is_named = isinstance(batch, tuple) and type(batch) is not tuple
        return type(batch)(*values) if is_named else type(batch)(values)
    return batch


def on_device(batch: Any, device: torch.device) -> Any:
    """The batch on a device; the same object where it is there already."""
    if all(t.device == device for t in tensors(batch)):
        return batch
    return mapped(batch, lambda t: t.to(device))


def microbatches(batch: Any, size: int) -> list[tuple[float, Any]]:
    """Pieces of at most ``size`` examples along the first axis, each with its share of the examples.

    Raises:
        ValueError: the tensors of the batch have no first axis of one common length.
    """
    lengths = {t.shape[0] if t.ndim else 0 for t in tensors(batch)}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            "microbatch=... splits the first axis, which must have one length for all tensors of a batch, "
            f"got lengths {sorted(lengths)}; give smaller batches instead"
        )
    (length,) = lengths
    starts = range(0, length, size)
    shares = [min(size, length - start) / length for start in starts]
    return [
        (share, mapped(batch, lambda t, start=start: t[start : start + size]))  # type: ignore[misc]
        for start, share in zip(starts, shares, strict=True)
    ]
