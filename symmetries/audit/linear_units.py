"""Units of piecewise linear activations that the inputs keep on one side."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..function import NetworkFunction
from ..params import Params


def linear_units(function: NetworkFunction, params: Params) -> dict[str, int]:
    """Units of ReLU modules that stay on one side on all inputs, and are linear (not zero) there."""
    linear: dict[str, Tensor] = {}

    def record(name: str, module: nn.Module, value: Tensor) -> None:
        channel = 1 if value.ndim > 3 else value.ndim - 1  # images are (b, c, y, x), the rest ends in its features
        units = value.movedim(channel, -1).flatten(0, -2)
        sides = [(units > 0).all(0)] if isinstance(module, nn.ReLU) else [(units > 0).all(0), (units < 0).all(0)]
        stays = torch.stack(sides)
        linear[name] = linear[name] & stays if name in linear else stays

    def hook(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda module, args, _: record(name, module, args[0])

    piecewise = (nn.ReLU, nn.LeakyReLU, nn.PReLU)
    modules = [(name, module) for name, module in function.model.named_modules() if isinstance(module, piecewise)]
    handles = [module.register_forward_hook(hook(name)) for name, module in modules]
    with torch.no_grad():
        function(params)
    for handle in handles:
        handle.remove()
    return {name: int(stays.sum()) for name, stays in linear.items() if bool(stays.any())}
