"""A model evaluated at other parameters."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call


def evaluate_at(
    model: nn.Module, tensors: Mapping[str, Tensor], args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None
) -> Any:
    """What ``model(*args, **kwargs)`` returns with other parameters and buffers, which tied ones share.

    ``torch.func.functional_call`` alone replaces the parameters of a module with two names twice, and puts the
    replacement back for the original: the model is left with plain tensors.

    Example:
        >>> import torch
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> evaluate_at(layer, {"weight": torch.ones(1, 2)}, (torch.ones(2),))
        tensor([2.])

    Args:
        model: left as it is.
        tensors: by name, as in ``dict(model.named_parameters())``; those not given are the model's.
        args: positional arguments.
        kwargs: keyword arguments.
    """
    return functional_call(model, dict(_placed(model, tensors)), args, dict(kwargs or {}), tie_weights=False)


def _placed(model: nn.Module, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """The tensors for every place in the model that holds one of them, each place under one name."""
    held = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers(remove_duplicate=False))
    modules = dict(model.named_modules(remove_duplicate=False))
    replacement = {id(held[name]): tensor for name, tensor in tensors.items() if name in held}
    placed: set[tuple[nn.Module, str]] = set()
    for name, tensor in held.items():
        module, _, attribute = name.rpartition(".")
        place = modules[module], attribute
        if id(tensor) in replacement and place not in placed:
            placed.add(place)
            yield name, replacement[id(tensor)]
    yield from ((name, tensor) for name, tensor in tensors.items() if name not in held)  # an error names them
