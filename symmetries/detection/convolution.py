"""How convolutions and pooling of ATen read as nodes."""

from typing import Any

from .axes import new_axes
from .call import Call, Reading
from .expression import Kind
from .normalization import by_channel
from .value import Value, einsum


def convolution(
    call: Call, value: Value, weight: Value, bias: Value | None, stride: Any, padding: Any, dilation: Any,
    transposed: bool, output_padding: Any, groups: int,
) -> Value:  # fmt: skip
    """An einsum over channels; positions and taps are summed too, and the result has positions of its own."""
    (batch, channels, *_), (out, inner, *taps) = value.shape, weight.shape
    space = [new_axes([n])[0] for n in call.shape[2:]]
    positions = list(range(10, 10 + len(space)))
    if transposed:
        left = weight.reshaped([groups, out // groups, inner, *taps])
        labels, out = [0, 1, 2, *(p + 10 for p in positions)], inner * groups
    else:
        left = weight.reshaped([groups, out // groups, inner, *taps])
        labels = [0, 2, 1, *(p + 10 for p in positions)]
    right = value.reshaped([batch, groups, channels // groups, *value.shape[2:]])
    result = einsum(Kind.PRODUCT, right, left, [3, 0, 1, *positions], labels, [3, 0, 2])
    fresh = tuple(slot for axis in space for slot in axis)
    result.node.slots = (*result.node.slots, *fresh)
    result.node.name = "padded convolution" if any(padding) else "convolution"
    shaped = result.viewed((*result.axes, *space)).reshaped([batch, out, *call.shape[2:]])
    return shaped if bias is None else by_channel(shaped, None, bias)


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
