"""How convolutions and pooling of ATen read as nodes."""

from collections.abc import Sequence
from typing import Any

from .axes import new_axes
from .call import Call, Reading
from .expression import Kind
from .normalization import by_channel
from .pieces import contracted
from .value import Value, einsum


def convolution(
    call: Call, value: Value, weight: Value, bias: Value | None, stride: Any, padding: Any, dilation: Any,
    transposed: bool, output_padding: Any, groups: int,
) -> Value:  # fmt: skip
    """An einsum over channels; positions and taps are summed too, and the result has positions of its own."""

    def product(value: Value, weight: Value) -> Value:
        result = _convolved(value, weight, call.shape[2:], transposed, groups)
        result.node.name = "padded convolution" if any(padding) else "convolution"
        return result

    channels = (1, 0 if transposed else 1)
    result = contracted(call.selector, value, weight, channels, product) if groups == 1 else product(value, weight)
    return result if bias is None else by_channel(result, None, bias)


def _convolved(value: Value, weight: Value, positions: Sequence[int], transposed: bool, groups: int) -> Value:
    (batch, channels, *_), (first, second, *taps) = value.shape, weight.shape
    space = [new_axes([n])[0] for n in positions]
    labels = [0, 1, 2] if transposed else [0, 2, 1]
    left = weight.reshaped([groups, first // groups, second, *taps])
    right = value.reshaped([batch, groups, channels // groups, *value.shape[2:]])
    of_value, of_taps = [10 + i for i in range(len(space))], [20 + i for i in range(len(space))]
    result = einsum(Kind.PRODUCT, right, left, [3, 0, 1, *of_value], [*labels, *of_taps], [3, 0, 2])
    result.node.slots = (*result.node.slots, *(slot for axis in space for slot in axis))
    out = second * groups if transposed else first
    return result.viewed((*result.axes, *space)).reshaped([batch, out, *positions])


def max_pool(call: Call, value: Value, kernel: Any, *_: Any, **__: Any) -> list[Value | None]:
    """A maximum over windows."""
    dims = range(len(call.shape) - spatial_rank(call.name), len(call.shape))
    return [value.windowed(Kind.POOL, call.shape, dims), None]


def average_pool(call: Call, value: Value, *_: Any, **__: Any) -> Value:
    """A mean over windows."""
    return value.windowed(Kind.AVERAGE, call.shape, range(len(call.shape) - spatial_rank(call.name), len(call.shape)))


def spatial_rank(name: str) -> int:
    """The number of pooled dimensions, from the operation's name."""
    return int(name[name.index("pool") + 4])


TABLE: dict[str, Reading] = {
    "convolution": convolution, "max_pool1d": max_pool, "max_pool2d_with_indices": max_pool,
    "max_pool3d_with_indices": max_pool, "avg_pool1d": average_pool, "avg_pool2d": average_pool,
    "avg_pool3d": average_pool, "adaptive_avg_pool1d": average_pool, "_adaptive_avg_pool2d": average_pool,
    "_adaptive_avg_pool3d": average_pool,
}  # fmt: skip
