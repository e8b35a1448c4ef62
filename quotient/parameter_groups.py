"""The live parameters of a model, as an optimizer holds them: in groups, with their names."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from symmetries import Covector, Params, own_shard, whole

NamedParameters = Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]


def named_groups(named_parameters: NamedParameters) -> list[dict[str, Any]]:
    """Parameter groups of ``(name, parameter)`` pairs, with those that require a gradient.

    Raises:
        TypeError: parameters without names.
        ValueError: a name given twice, or nothing that requires a gradient.
    """
    entries: list[Any] = list(named_parameters)
    groups = entries if entries and isinstance(entries[0], dict) else [{"params": entries}]
    groups = [{**group, "params": list(group["params"])} for group in groups]
    for group in groups:
        for pair in group["params"]:
            if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)):
                raise TypeError(
                    f"expected pairs (name, parameter), got {type(pair).__name__}: pass "
                    "model.named_parameters(), since a geometry knows parameters by their names"
                )
        group["params"] = [(name, p) for name, p in group["params"] if p.requires_grad]
    groups = [group for group in groups if group["params"]]
    count = Counter(name for group in groups for name, _ in group["params"])
    if not count:
        raise ValueError("expected at least one parameter that requires a gradient, got none")
    twice = [name for name, times in count.items() if times > 1]
    if twice:
        raise ValueError(f"expected every name once, got {twice[:5]} again; use names of the whole model")
    return groups


def named_parameters(groups: Iterable[dict[str, Any]]) -> Params:
    """The live tensors of named groups, by name."""
    pairs = (pair for group in groups for pair in zip(group["param_names"], group["params"], strict=True))
    return dict(pairs)


def differential(parameters: Params) -> Covector:
    """What autograd left in ``.grad``; zero where it left nothing."""
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in parameters.items()}


def write_(parameters: Params, values: Params) -> None:
    """Copy values into live parameters, bit for bit; shards into shards."""
    with torch.no_grad():
        torch._foreach_copy_(
            [own_shard(parameters[name]) for name in values], [own_shard(value) for value in values.values()]
        )


def finite(covector: Covector) -> bool:
    """Whether a covector is free of NaN and Inf; one synchronisation where it is."""
    if math.isfinite(torch.nn.utils.get_total_norm(covector.values())):  # the fastest pass over it there is
        return True
    return all(bool(whole(torch.isfinite(c).all())) for c in covector.values())  # squares may have overflown
