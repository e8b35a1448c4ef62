"""Which operations of a model are replaced while its second derivatives are taken."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from .attention import attention
from .linear import linear
from .normalization import normalized
from .pointwise import pointwise


@contextmanager
def twice_differentiable() -> Iterator[None]:
    """While it lasts, what is recorded has second derivatives that are exact and cheap.

    Attention takes plain kernels: fused ones have no second derivative. It, smooth activations and norms save what
    their second derivatives need, in place of evaluating it for every product; affine maps and attention form sums of
    products inside of multiplications. Values are the same to rounding. Under autocast, in half precision, and inside
    of the transforms of ``torch.func``, all but the choice of attention's kernel is left as it is.

    Third derivatives are not there: ``backward()`` raises, but ``torch.autograd.grad`` with inputs does not notice, and
    leaves terms out.
    """
    with sdpa_kernel(SDPBackend.MATH), _Substitution():
        yield


class _Substitution(TorchFunctionMode):
    """Calls that :data:`_REPLACED` knows go to it."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        replaced = func in _REPLACED and args and _concerned(args[0]) and not given.get("inplace", False)
        return (_REPLACED[func] if replaced else func)(*args, **given)


def _concerned(x: Any) -> bool:
    """Whether an operation on x will be differentiated, in a precision that it names itself."""
    return (
        isinstance(x, Tensor)
        and x.requires_grad
        and torch.is_grad_enabled()
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled(x.device.type)
        and not torch._C._are_functorch_transforms_active()
    )


def _layer_norm(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    return normalized(x, weight, bias, dims=len(normalized_shape), eps=eps, centred=True)


def _rms_norm(
    x: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    smallest = torch.finfo(x.dtype).eps if eps is None else eps
    return normalized(x, weight, None, dims=len(normalized_shape), eps=smallest, centred=False)


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    keys, values = key, value
    if enable_gqa and query.shape[-3] % key.shape[-3] == 0:
        keys, values = (x.repeat_interleave(query.shape[-3] // x.shape[-3], -3) for x in (key, value))
    mask = attn_mask
    if is_causal:
        mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=query.device).tril()
    contradictory = is_causal and attn_mask is not None
    if dropout_p or contradictory or not _plain(query, keys, values, mask):
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
    return attention(query, keys, values, mask, scale=query.shape[-1] ** -0.5 if scale is None else scale)


def _plain(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> bool:
    """Whether no leading axis is broadcast, and the mask is not differentiated."""
    same = query.shape[:-2] == key.shape[:-2] == value.shape[:-2]
    return same and (mask is None or (not mask.requires_grad and mask.dtype in (torch.bool, query.dtype)))


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return linear(x, weight, bias) if weight.dim() == 2 else F.linear(x, weight, bias)


def _activation(function: Callable[..., Tensor], x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    kwargs.pop("inplace", None)
    return pointwise(x, lambda z: function(z, *args, **kwargs))


_REPLACED: dict[Callable[..., Any], Callable[..., Tensor]] = {
    F.linear: _linear,
    F.scaled_dot_product_attention: _attention,
    **{function: partial(_activation, function) for function in (F.gelu, F.silu, F.mish, F.softplus)},
    **dict.fromkeys((F.layer_norm, torch.layer_norm), _layer_norm),
    **dict.fromkeys((F.rms_norm, torch.rms_norm), _rms_norm),
}
"""By the function that a model calls."""
