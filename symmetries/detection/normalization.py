"""How normalizations and softmaxes of ATen read as nodes."""

from typing import Any

from .axes import Axes
from .call import Call, Reading
from .expression import EPS, Kind
from .value import Value, data, elementwise


def softmax(call: Call, value: Value, dim: int, *_: Any, **__: Any) -> Value:
    """A softmax along one dimension."""
    return value.mapped(Kind.SOFTMAX, [dim], name=call.name)


def layer_norm(call: Call, value: Value, shape: list[int], weight: Any, bias: Any, *_: Any) -> list[Value | None]:
    """A LayerNorm with its gain and shift; mean and deviation are not read."""
    core = value.mapped(Kind.LAYER_NORM, range(-len(shape), 0), name=EPS)
    return [affine(core, weight, bias), None, None]


def rms_norm(call: Call, value: Value, shape: list[int], weight: Any, *_: Any) -> list[Value | None]:
    """An RMSNorm with its gain."""
    return [affine(value.mapped(Kind.RMS_NORM, range(-len(shape), 0), name=EPS), weight, None), None]


def group_norm(call: Call, value: Value, weight: Any, bias: Any, *sizes: Any) -> list[Value | None]:
    """A LayerNorm of every group of channels, then gain and shift by channel."""
    groups = sizes[3]
    split = value.reshaped([value.shape[0], groups, value.shape[1] // groups, *value.shape[2:]])
    core = split.mapped(Kind.LAYER_NORM, range(2, len(split.axes)), name=EPS)
    return [by_channel(core.reshaped(value.shape), weight, bias), None, None]


def batch_norm(call: Call, value: Value, weight: Any, bias: Any, *_: Any) -> list[Value | None]:
    """In evaluation mode: a constant affine map of each channel, then the trained one."""
    statistics = data([value.shape[1]])
    return [by_channel(by_channel(value, statistics, statistics), weight, bias), None, None]


def by_channel(value: Value, weight: Any, bias: Any) -> Value:
    """A gain and a shift along dimension 1."""
    spatial: Axes = ((),) * (len(value.axes) - 2)
    gains = (None if v is None else v.viewed((*v.axes, *spatial)) for v in (weight, bias))
    return affine(value, *gains)


def affine(value: Value, weight: Value | None, bias: Value | None) -> Value:
    """A gain and a shift, where they are there."""
    if weight is not None:
        value = elementwise(Kind.PRODUCT, value, weight)
    return value if bias is None else elementwise(Kind.SUM, value, bias)


TABLE: dict[str, Reading] = {
    "_softmax": softmax, "_safe_softmax": softmax, "_log_softmax": softmax, "native_layer_norm": layer_norm,
    "_fused_rms_norm": rms_norm, "native_group_norm": group_norm, "native_batch_norm": batch_norm,
    "_native_batch_norm_legit_no_training": batch_norm,
}  # fmt: skip
