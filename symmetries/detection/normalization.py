"""How normalizations and softmaxes of ATen read as nodes."""

from typing import Any

import torch
from torch import Tensor

from ..statistics import FixedStatistics
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


def batch_norm(call: Call, value: Value, weight: Any, bias: Any, *settings: Any) -> list[Value | None] | None:
    """With fixed statistics an affine map of each channel, into which they fold; else a LayerNorm of each channel.

    None for gain and shift that two norms of different statistics share.
    """
    *statistics, _, eps = settings
    if True in statistics[-1:]:  # those of the batch
        core = value.mapped(Kind.LAYER_NORM, [i for i in range(len(value.axes)) if i != 1], name=EPS)
        return [by_channel(core, weight, bias), None, None]
    mean, variance = statistics[:2]
    if not all(isinstance(vector, Value) and vector.node.kind is Kind.LEAF for vector in (weight, bias)):
        scale, offset = data([value.shape[1]]), data([value.shape[1]])
        return [by_channel(by_channel(value, scale, offset), weight, bias), None, None]
    found = FixedStatistics(weight.node.name, bias.node.name, *_moments(mean, variance, eps))
    if weight.node.statistics is not None and not weight.node.statistics.agrees(found):
        return None
    weight.node.statistics = found
    return [by_channel(value, weight, bias), None, None]


def _moments(mean: Value, variance: Value, eps: float) -> tuple[Tensor, Tensor]:
    """Mean and deviation; on the meta device, where nothing is computed, none that changes anything."""
    if mean.node.data is None or variance.node.data is None:
        return torch.zeros(mean.shape), torch.ones(mean.shape)
    return mean.node.data, (variance.node.data + eps).sqrt()


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
    "_native_batch_norm_legit_no_training": batch_norm, "_native_batch_norm_legit": batch_norm,
}  # fmt: skip
