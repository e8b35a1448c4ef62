"""Training and evaluation mode: which of the two functions a network is."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd


def require_one_mode(model: nn.Module) -> None:
    """Raise ``ValueError`` when dropout or batch norm is in training mode."""
    for name, module in model.named_modules():
        if module.training and (isinstance(module, _BatchNorm) or dropout_rate(module) > 0):
            raise ValueError(
                f"{name or 'the model'} ({type(module).__name__}) is in training mode, where the loss is "
                "random or depends on the batch; call model.eval() first"
            )


def dropout_rate(module: nn.Module) -> float:
    """The probability with which the module itself drops values in training mode."""
    if isinstance(module, _DropoutNd):
        return module.p
    return module.dropout if isinstance(module, nn.RNNBase | nn.MultiheadAttention) else 0.0


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Every module in evaluation mode, and one arithmetic with and without gradients; restored at the end."""
    training, fast_path = (
        [m for m in model.modules() if m.training],
        torch.backends.mha.get_fastpath_enabled(),
    )
    for module in training:
        module.training = False
    # The fused inference path of nn.TransformerEncoder rounds differently; sharpness is a small difference.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        for module in training:
            module.training = True
        torch.backends.mha.set_fastpath_enabled(fast_path)
