"""Layer norm and RMS norm."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def normalized(x: Tensor, dims: int, eps: float, *, centred: bool) -> Tensor:
    r"""``(x - mean) / sqrt(variance + eps)`` over the last axes, to be differentiated twice.

    With :math:`\hat x` the result, r the factor :math:`(\sigma^2 + \epsilon)^{-1/2}`, C the centring (the identity for
    an RMS norm) and means over the axes, the differential pulls a covector g back to

    .. math:: B g = r \big( C g - \overline{g \hat x}\, \hat x \big) ,

    and the derivative of :math:`\langle a, B g \rangle` in x is

    .. math:: - r^2 \big( \overline{g \hat x}\, C a + \overline{a \hat x}\, C g
              + ( \overline{a\, C g} - 3\, \overline{a \hat x}\; \overline{g \hat x} )\, \hat x \big) .

    Args:
        x: shape ``(..., *axes)``.
        dims: the number of axes that are normalized.
        eps: added to the variance.
        centred: whether the mean is taken off: a layer norm; otherwise an RMS norm.
    """
    return _Normalized.apply(x, tuple(range(-dims, 0)), eps, centred)  # type: ignore[no-untyped-call]


class _Normalized(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, axes: tuple[int, ...], eps: float, centred: bool) -> Tensor:
        off = x - x.mean(axes, keepdim=True) if centred else x
        scale = (off.square().mean(axes, keepdim=True) + eps).rsqrt()
        unit = off * scale
        ctx.axes, ctx.centred = axes, centred
        ctx.save_for_backward(x, unit, scale)
        return unit

    @staticmethod
    def backward(ctx: Any, covector: Tensor) -> tuple[Tensor | None, ...]:
        x, unit, scale = ctx.saved_tensors
        return _PulledBack.apply(covector, x, unit.detach(), scale, ctx.axes, ctx.centred), None, None, None  # type: ignore[no-untyped-call]


class _PulledBack(Function):
    """``B g``, a function of g and x."""

    @staticmethod
    def forward(
        ctx: Any, g: Tensor, x: Tensor, unit: Tensor, scale: Tensor, axes: tuple[int, ...], centred: bool
    ) -> Tensor:
        along = (g * unit).mean(axes, keepdim=True)
        off = g - g.mean(axes, keepdim=True) if centred else g
        ctx.axes, ctx.centred = axes, centred
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(off, along, unit, scale)
        return torch.addcmul(off, along, unit, value=-1).mul_(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: Tensor) -> tuple[Tensor | None, ...]:
        g_off, g_along, unit, scale = ctx.saved_tensors
        by_g, by_x, *_ = ctx.needs_input_grad
        a_along = (a * unit).mean(ctx.axes, keepdim=True)
        a_off = a - a.mean(ctx.axes, keepdim=True) if ctx.centred else a
        first = torch.addcmul(a_off, a_along, unit, value=-1).mul_(scale) if by_g else None
        second = None
        if by_x:
            coefficient = (a * g_off).mean(ctx.axes, keepdim=True) - 3 * a_along * g_along
            second = torch.addcmul(coefficient * unit, g_along, a_off).addcmul_(a_along, g_off)
            second.mul_(scale.square().neg_())
        return first, second, None, None, None, None
