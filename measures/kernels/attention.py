"""Scaled dot-product attention."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from .second_pass import Parts, added, summed, wanted


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, *, scale: float) -> Tensor:
    r"""``softmax(scale * query key^T + mask) value``, to be differentiated twice.

    With p the weights of attention, :math:`C x = x - \sum p\, x` the centring of rows, :math:`\gamma` the scale and g
    the covector of the result, the first backward pass takes

    .. math:: h = g V^T, \qquad s = \gamma\, p \circ C h, \qquad
              g_Q = s K, \qquad g_K = s^T Q, \qquad g_V = p^T g .

    With a, b and c the covectors of these three in the second pass,
    :math:`e = C \gamma (a K^T + Q b^T)`, and :math:`\bar y` that of the result, it takes

    .. math:: \bar g = p\, c + (p \circ e) V, \qquad
              \bar h = e \circ C h + g c^T + \bar y V^T, \qquad \bar s = \gamma\, p \circ C \bar h,

    .. math:: \bar Q = s\, b + \bar s K, \qquad \bar K = s^T a + \bar s^T Q, \qquad
              \bar V = (p \circ e)^T g + p^T \bar y .

    Args:
        query: shape ``(..., l, d)``.
        key: shape ``(..., t, d)``, with the same leading axes.
        value: shape ``(..., t, c)``.
        mask: boolean, true where attention is paid, or summed onto the scores; broadcast to ``(..., l, t)``. A row that
            pays attention nowhere gives 0.
        scale: :math:`\gamma`.
    """
    return _Attention.apply(query, key, value, mask, scale)[0]  # type: ignore[no-untyped-call]


class _Attention(Function):
    """The result, and beside it the weights, queries, keys and values, as stacks of matrices."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float
    ) -> tuple[Tensor, ...]:
        q, k, v = (x.detach().reshape(-1, *x.shape[-2:]) for x in (query, key, value))
        scores = (q @ k.mT).mul_(scale).view(*query.shape[:-1], key.shape[-2])
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
        # Zero, and not NaN, for a row that is masked as a whole; as the library has it.
        p = torch.ops.aten._safe_softmax(scores, -1).view(-1, *scores.shape[-2:])
        ctx.scale, ctx.shapes = scale, (query.shape, key.shape, value.shape)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(p, q, k, v)
        return (p @ v).view(*query.shape[:-1], value.shape[-1]), p, q, k, v

    @staticmethod
    def backward(ctx: Any, g: Tensor | None, *onto: Tensor | None) -> Parts:
        if g is None and onto[0] is None:
            return (None,) * 5
        p, *_, v = stacks = ctx.saved_tensors
        shape = *p.shape[:-1], v.shape[-1]
        g = p.new_zeros(shape) if g is None else g.reshape(shape)
        if torch.is_grad_enabled():
            parts = added(_PulledBack.apply(g, *stacks, onto[0], ctx.scale), onto[1:])  # type: ignore[no-untyped-call]
        else:
            parts = _pulled_back(g, *stacks, ctx.scale, *onto)
        return *(x if x is None else x.view(shape) for x, shape in zip(parts, ctx.shapes, strict=True)), None, None


class _PulledBack(Function):
    """The covectors of queries, keys and values, as functions of g and of all that it meets."""

    @staticmethod
    def forward(
        ctx: Any, g: Tensor, p: Tensor, q: Tensor, k: Tensor, v: Tensor, onto_p: Tensor | None, scale: float
    ) -> tuple[Tensor, ...]:
        h = g @ v.mT if onto_p is None else g @ v.mT + onto_p
        centred = h - (p * h).sum(-1, keepdim=True)
        s = p * centred
        ctx.scale = scale
        ctx.save_for_backward(g, p, q, k, v, centred, s)
        return summed(None, s, k, scale), summed(None, s.mT, q, scale), p.mT @ g

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: Tensor, b: Tensor, c: Tensor) -> Parts:
        g, p, q, k, v, centred, s = ctx.saved_tensors
        e = summed(a @ k.mT, q, b.mT).mul_(ctx.scale)
        e -= (p * e).sum(-1, keepdim=True)
        by_h = p * e
        by_g = summed(p @ c, by_h, v)
        by_onto = by_h if ctx.needs_input_grad[5] else None
        if not wanted(q):
            return by_g, None, None, None, None, by_onto, None
        by_p = summed(e.mul_(centred), g, c.mT)
        by_q, by_k = summed(None, s, b, ctx.scale), summed(None, s.mT, a, ctx.scale)
        return by_g, by_p, by_q, by_k, by_h.mT @ g, by_onto, None


def _pulled_back(
    g: Tensor, p: Tensor, q: Tensor, k: Tensor, v: Tensor, scale: float, *onto: Tensor | None
) -> tuple[Tensor, ...]:
    """The covectors; ``onto`` holds those of p, q, k and v that they are summed onto."""
    onto_p, onto_q, onto_k, onto_v = onto
    s = torch._softmax_backward_data(summed(onto_p, g, v.mT), p, -1, p.dtype)
    return summed(onto_q, s, k, scale), summed(onto_k, s.mT, q, scale), summed(onto_v, p.mT, g)
