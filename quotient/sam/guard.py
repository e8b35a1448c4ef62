"""A watch over a model, so that nobody evaluates or saves it while it is perturbed."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn


def guarded(model: nn.Module, is_perturbed: Callable[[], bool]) -> ExitStack:
    """Refuse, as long as the stack is open, what must not be done with perturbed parameters.

    Args:
        model: to watch.
        is_perturbed: asked every time.

    Returns:
        A context; ``close()`` removes the hooks.
    """

    def refuse(action: str) -> None:
        if is_perturbed():
            raise RuntimeError(f"cannot {action} while the model is perturbed: go back with restore() first")

    def before_forward(module: nn.Module, inputs: Any) -> None:
        if not torch.is_grad_enabled():  # the second pass is there for a gradient
            refuse("evaluate the model")

    def before_saving(module: nn.Module, prefix: str, keep_vars: bool) -> None:
        refuse("save the model")

    hooks = ExitStack()
    for handle in (model.register_forward_pre_hook(before_forward), model.register_state_dict_pre_hook(before_saving)):
        hooks.callback(handle.remove)
    return hooks
