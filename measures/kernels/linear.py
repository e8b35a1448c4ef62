"""Affine maps."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from .second_pass import Parts, added, summed, wanted


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""``x weight^T + bias``, to be differentiated twice: sums of products are formed inside of the multiplications.

    The first backward pass takes a covector g to :math:`g W`, :math:`g^T x` and :math:`\sum g`. With a, V and c the
    covectors of these three in the second pass, and :math:`\bar y` that of the result, it takes

    .. math:: \bar g = x V^T + a W^T + c, \qquad
              \bar x = g V + \bar y W, \qquad \bar W = g^T a + \bar y^T x, \qquad \bar b = \sum \bar y :

    six multiplications, as many as two gradients have. The library writes every one of them to a tensor of its own,
    and adds afterwards.

    Args:
        x: shape ``(..., n)``.
        weight: shape ``(m, n)``.
        bias: shape ``(m,)``; None for 0.
    """
    return _Linear.apply(x, weight, bias)[0]  # type: ignore[no-untyped-call]


class _Linear(Function):
    """The map, and beside it x as rows, and the weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        rows, same = x.detach().reshape(-1, x.shape[-1]), weight.detach()
        ctx.shape = x.shape
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(rows, same)
        return F.linear(x, weight, bias), rows, same

    @staticmethod
    def backward(ctx: Any, g: Tensor | None, onto_x: Tensor | None, onto_weight: Tensor | None) -> Parts:
        parts: Parts = (onto_x, onto_weight, None)
        if g is not None:
            g, (rows, weight), wants = g.reshape(-1, g.shape[-1]), ctx.saved_tensors, ctx.needs_input_grad
            if torch.is_grad_enabled():
                parts = added(_PulledBack.apply(g, rows, weight, wants), parts)  # type: ignore[no-untyped-call]
            else:
                parts = _pulled_back(g, rows, weight, wants, onto_x, onto_weight)
        by_x, by_weight, by_bias = parts
        return None if by_x is None else by_x.view(ctx.shape), by_weight, by_bias


class _PulledBack(Function):
    """The covectors of x, weight and bias, as functions of g, x and weight."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, rows: Tensor, weight: Tensor, wants: tuple[bool, bool, bool]) -> Parts:
        ctx.save_for_backward(g, rows, weight)
        return _pulled_back(g, rows, weight, wants)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: Tensor | None, v: Tensor | None, c: Tensor | None) -> Parts:
        g, rows, weight = ctx.saved_tensors
        by_g = by_x = by_weight = None
        if v is not None:
            by_g = summed(by_g, rows, v.t())
        if a is not None:
            by_g = summed(by_g, a, weight.t())
        if c is not None:
            by_g = c.expand_as(g) if by_g is None else by_g.add_(c)
        if a is not None and v is not None and wanted(rows):
            by_x, by_weight = g @ v, g.t() @ a
        return by_g, by_x, by_weight, None


def _pulled_back(
    g: Tensor,
    rows: Tensor,
    weight: Tensor,
    wants: tuple[bool, bool, bool],
    onto_x: Tensor | None = None,
    onto_weight: Tensor | None = None,
) -> Parts:
    by_x, by_weight, by_bias = wants
    return (
        summed(onto_x, g, weight) if by_x else None,
        summed(onto_weight, g.t(), rows) if by_weight else None,
        g.sum(0) if by_bias else None,
    )
