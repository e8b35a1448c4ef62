"""Layer norm and RMS norm."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from .second_pass import Parts, wanted


def normalized(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, *, dims: int, eps: float, centred: bool
) -> Tensor:
    r"""``weight * (x - mean) / sqrt(variance + eps) + bias`` over the last axes, to be differentiated twice.

    With u the value before weight w and bias, r the factor :math:`(\sigma^2 + \epsilon)^{-1/2}`, C the centring (the
    identity for an RMS norm) and means over the axes, the differential of u pulls a covector h back to

    .. math:: B h = r \big( C h - \overline{h u}\, u \big) , \qquad h = w g ,

    where g is the covector of the result. The derivative of :math:`\langle a, B h \rangle` in x, at a fixed h, is

    .. math:: - r \big( \overline{h u}\, B a + \overline{a u}\, B h + \overline{a\, B h}\, u \big) .

    Args:
        x: shape ``(..., *axes)``.
        weight: shape ``axes``; None for 1.
        bias: shape ``axes``; None for 0.
        dims: the number of axes that are normalized.
        eps: added to the variance.
        centred: whether the mean is taken off: a layer norm; otherwise an RMS norm.
    """
    return _Normalized.apply(x, weight, bias, dims, eps, centred)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class _Unit:
    """The normalization of x, at a point.

    Args:
        x: as given.
        value: u.
        mean: of x; None for an RMS norm.
        scale: r.
        dims: the number of axes.
    """

    x: Tensor
    value: Tensor
    mean: Tensor | None
    scale: Tensor
    dims: int

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(range(-self.dims, 0))

    def mean_of(self, left: Tensor, right: Tensor) -> Tensor:
        """The mean of a product over the axes."""
        return (left * right).mean(self.axes, keepdim=True)

    def pulled_back(self, g: Tensor, weight: Tensor | None = None) -> Tensor:
        """``B (weight g)``."""
        if self.mean is not None:
            return _fused(g, self, weight, None, [True, False, False])[0]
        h = g if weight is None else weight * g
        return torch.addcmul(h, self.mean_of(h, self.value), self.value, value=-1).mul_(self.scale)


class _Normalized(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, dims: int, eps: float, centred: bool
    ) -> Tensor:
        if centred:
            unit, mean, scale = torch.native_layer_norm(x, x.shape[-dims:], None, None, eps)
        else:
            mean, scale = None, (x.square().mean(tuple(range(-dims, 0)), keepdim=True) + eps).rsqrt()
            unit = x * scale
        ctx.dims = dims
        ctx.save_for_backward(x, weight, bias, unit, mean, scale)
        scaled = unit if weight is None else unit * weight
        return scaled if bias is None else scaled + bias

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Parts:
        parts = _PulledBack.apply(g, *ctx.saved_tensors, ctx.dims, ctx.needs_input_grad[:3])  # type: ignore[no-untyped-call]
        return *parts, None, None, None


class _PulledBack(Function):
    """The covectors of x, weight and bias, as functions of g, x and weight."""

    @staticmethod
    def forward(
        ctx: Any,
        g: Tensor,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        value: Tensor,
        mean: Tensor | None,
        scale: Tensor,
        dims: int,
        wants: tuple[bool, bool, bool],
    ) -> Parts:
        unit = _Unit(x, value, mean, scale, dims)
        parts = _covectors(g, unit, weight, bias, wants)
        if any(ctx.needs_input_grad):
            ctx.dims = dims
            h = g if weight is None else g * weight
            ctx.save_for_backward(g, x, weight, value, mean, scale, parts[0], unit.mean_of(h, value))
        return parts

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: Tensor, v: Tensor | None, c: Tensor | None) -> Parts:
        g, x, weight, value, mean, scale, turned, along = ctx.saved_tensors
        unit = _Unit(x, value, mean, scale, ctx.dims)
        a_turned = unit.pulled_back(a)
        by_g = a_turned if weight is None else a_turned * weight
        if v is not None:
            by_g = torch.addcmul(by_g, value, v)
        if c is not None:
            by_g = by_g + c
        by_weight = (g * a_turned).sum_to_size(weight.shape) if v is not None else None
        by_x = None
        if wanted(x):
            by_x = a_turned * along
            by_x.addcmul_(turned, unit.mean_of(a, value)).addcmul_(value, unit.mean_of(a, turned)).mul_(-scale)
            if v is not None:
                by_x += unit.pulled_back(g, v)
        return by_g, by_x, by_weight, None, None, None, None, None, None


def _covectors(
    g: Tensor, unit: _Unit, weight: Tensor | None, bias: Tensor | None, wants: tuple[bool, bool, bool]
) -> Parts:
    """Of x, of weight and of bias; the first always."""
    if unit.mean is not None:
        mask = [True, *wants[1:]]
        return tuple(
            part if want else None for part, want in zip(_fused(g, unit, weight, bias, mask), mask, strict=True)
        )
    by_weight = (g * unit.value).sum_to_size(weight.shape) if weight is not None and wants[1] else None
    return unit.pulled_back(g, weight), by_weight, g.sum_to_size(bias.shape) if bias is not None and wants[2] else None


def _fused(
    g: Tensor, unit: _Unit, weight: Tensor | None, bias: Tensor | None, mask: list[bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """The library's backward pass of a layer norm."""
    return torch.ops.aten.native_layer_norm_backward(
        g, unit.x, unit.x.shape[-unit.dims :], unit.mean, unit.scale, weight, bias, mask
    )
