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

from .normalization import normalized
from .pointwise import pointwise


@contextmanager
def twice_differentiable() -> Iterator[None]:
    """While it lasts, what is recorded has second derivatives that are exact and cheap.

    Attention takes the plain kernel: fused ones have no second derivative. Smooth activations and norms save what
    their second derivatives need, in place of evaluating it for every product. Values are the same to rounding.
    Under autocast, and in half precision, norms and activations are left as they are.
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
    )


def _layer_norm(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    return _affine(normalized(x, len(normalized_shape), eps, centred=True), weight, bias)


def _rms_norm(
    x: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    smallest = torch.finfo(x.dtype).eps if eps is None else eps
    return _affine(normalized(x, len(normalized_shape), smallest, centred=False), weight, None)


def _affine(unit: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    scaled = unit if weight is None else unit * weight
    return scaled if bias is None else scaled + bias


def _activation(function: Callable[..., Tensor], x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    kwargs.pop("inplace", None)
    return pointwise(x, lambda z: function(z, *args, **kwargs))


_REPLACED: dict[Callable[..., Any], Callable[..., Tensor]] = {
    **{function: partial(_activation, function) for function in (F.gelu, F.silu, F.mish, F.softplus)},
    **dict.fromkeys((F.layer_norm, torch.layer_norm), _layer_norm),
    **dict.fromkeys((F.rms_norm, torch.rms_norm), _rms_norm),
}
"""By the function that a model calls."""
