"""Activations: functions of one number, applied to many."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

Activation = Callable[[Tensor], Tensor]


def pointwise(x: Tensor, activation: Activation) -> Tensor:
    """``activation(x)``, to be differentiated twice: what a Hessian product then takes is two multiplications.

    The library evaluates the exponentials of a GELU again in every backward pass through its gradient; here both
    derivatives are evaluated once.

    Args:
        x: any shape.
        activation: acts on every entry by itself.
    """
    return _Pointwise.apply(x, activation)  # type: ignore[no-untyped-call]


class _Pointwise(Function):
    """The activation; it saves its two derivatives."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, activation: Activation) -> Tensor:
        z = x.detach().requires_grad_()
        with torch.enable_grad():
            value = activation(z)
            (slope,) = torch.autograd.grad(value.sum(), z, create_graph=True)
            (bend,) = torch.autograd.grad(slope.sum(), z)
        ctx.save_for_backward(x, without_traces_(slope.detach()), without_traces_(bend))
        return value.detach()

    @staticmethod
    def backward(ctx: Any, covector: Tensor) -> tuple[Tensor, None]:
        x, slope, bend = ctx.saved_tensors
        return _Slope.apply(covector, x, slope, bend), None  # type: ignore[no-untyped-call]


class _Slope(Function):
    """``covector * slope(x)``, whose derivative in x is ``covector * bend(x)``."""

    @staticmethod
    def forward(ctx: Any, covector: Tensor, x: Tensor, slope: Tensor, bend: Tensor) -> Tensor:
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(slope, covector * bend)
        return covector * slope

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, along: Tensor) -> tuple[Tensor | None, ...]:
        slope, bent = ctx.saved_tensors
        by_covector, by_x, *_ = ctx.needs_input_grad
        return along * slope if by_covector else None, along * bent if by_x else None, None, None


def without_traces_(derivative: Tensor) -> Tensor:
    """Put what is below the rounding error of rounding errors to zero, in place.

    Tails of a Gaussian make products with numbers too small for the normal format, on which processors are ten times as
    slow.
    """
    return derivative.masked_fill_(derivative.abs() < torch.finfo(derivative.dtype).eps ** 2, 0.0)
