"""How operations that only move entries read: most of them leave no node."""

from typing import Any

from .axes import new_axes
from .call import Call, Reading
from .expression import Kind
from .value import Value, data, joined

IDENTITIES = frozenset({"alias", "detach", "clone", "contiguous", "_to_copy", "lift_fresh", "lift_fresh_copy"})


def identity(call: Call, value: Value, *_: Any, **__: Any) -> Value:
    """The same entries."""
    return value


def view(call: Call, value: Value, *_: Any) -> Value:
    """Another shape."""
    return value.reshaped(call.shape)


def permute(call: Call, value: Value, dims: list[int]) -> Value:
    """Dimensions in another order."""
    return value.viewed(value.axes[dim] for dim in dims)


def transpose(call: Call, value: Value, first: int, second: int) -> Value:
    """Two dimensions exchanged."""
    axes = list(value.axes)
    axes[first], axes[second] = axes[second], axes[first]
    return value.viewed(axes)


def transpose_matrix(call: Call, value: Value) -> Value:
    """All dimensions reversed."""
    return value.viewed(value.axes[::-1])


def unsqueeze(call: Call, value: Value, dim: int) -> Value:
    """A new dimension of length 1."""
    dim %= len(value.axes) + 1
    return value.viewed((*value.axes[:dim], (), *value.axes[dim:]))


def squeeze(call: Call, value: Value, *_: Any) -> Value:
    """Dimensions of length 1 hold no slot: whichever of them go, the shape says."""
    return value.reshaped(call.shape)


def expand(call: Call, value: Value, *_: Any, **__: Any) -> Value:
    """Dimensions of length 1 broadcast: slots that the node does not own."""
    axes = ((),) * (len(call.shape) - len(value.axes)) + value.axes
    return value.viewed(axis or new_axes([n])[0] for axis, n in zip(axes, call.shape, strict=True))


def repeat(call: Call, value: Value, repeats: list[int]) -> Value:
    """Dimensions repeated, the repetition outermost."""
    axes = ((),) * (len(repeats) - len(value.axes)) + value.axes
    return value.viewed((*new_axes([n])[0], *axis) for axis, n in zip(axes, repeats, strict=True))


def select(call: Call, value: Value, dim: int, index: int) -> Value:
    """One entry of a dimension, which goes."""
    dim %= len(value.axes)
    index %= value.shape[dim]
    part = value.part(dim, index, index + 1, call.selector)
    return part.viewed((*part.axes[:dim], *part.axes[dim + 1 :]))


def slice_(
    call: Call, value: Value, dim: int = 0, start: int | None = None, stop: int | None = None, step: int = 1
) -> Value | None:
    """A part of a dimension, or every n-th entry of it; None for a part that does not fit the steps."""
    dim %= len(value.axes)
    if 0 in call.shape:
        return data(call.shape)
    if step == 1:
        start, stop, _ = slice(start, stop).indices(value.shape[dim])
        return value.part(dim, start, stop, call.selector)
    start, stop, _ = slice(start, stop).indices(value.shape[dim])
    if value.shape[dim] % step or start >= step or call.shape[dim] * step != value.shape[dim]:
        return None
    shape = list(value.shape)
    strided = value.reshaped([*shape[:dim], shape[dim] // step, step, *shape[dim + 1 :]])
    part = strided.part(dim + 1, start, start + 1, call.selector)
    return part.viewed((*part.axes[: dim + 1], *part.axes[dim + 2 :]))


def split(call: Call, value: Value, sizes: Any, dim: int = 0) -> list[Value]:
    """Consecutive parts of a dimension."""
    dim %= len(value.axes)
    lengths = [shape[dim] for shape in call.shapes]
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return [value.part(dim, at, at + n, call.selector) for at, n in zip(starts, lengths, strict=True)]


def unbind(call: Call, value: Value, dim: int = 0) -> list[Value]:
    """All entries of a dimension."""
    return [select(call, value, dim, i) for i in range(value.shape[dim])]


def concatenate(call: Call, values: list[Value], dim: int = 0) -> Value:
    """Tensors one after the other."""
    full = [value for value in values if 0 not in value.shape]  # torch accepts empty tensors among the pieces
    return full[0] if len(full) == 1 else joined(full, dim)


def stack(call: Call, values: list[Value], dim: int = 0) -> Value:
    """Tensors along a new dimension."""
    return joined([unsqueeze(call, value, dim) for value in values], dim % len(call.shape))


def copied(call: Call, value: Value, source: Value, *_: Any) -> Value:
    """The entries of another tensor, broadcast."""
    return expand(call, source)


def slice_scatter(
    call: Call, value: Value, part: Value, dim: int = 0, start: int | None = None, stop: int | None = None,
    step: int = 1,
) -> Value | None:  # fmt: skip
    """A tensor with a part of a dimension replaced; None for a part that does not fit the steps."""
    dim %= len(value.axes)
    length = value.shape[dim]
    start, stop, _ = slice(start, stop).indices(length)
    if step == 1:
        return replaced(call, value, part, dim, start, stop)
    if length % step or start >= step or part.shape[dim] * step != length:
        return None
    shape = [*value.shape[:dim], length // step, step, *value.shape[dim + 1 :]]
    return replaced(call, value.reshaped(shape), unsqueeze(call, part, dim + 1), dim + 1, start, start + 1).reshaped(
        call.shape
    )


def select_scatter(call: Call, value: Value, part: Value, dim: int, index: int) -> Value:
    """A tensor with one entry of a dimension replaced."""
    dim %= len(value.axes)
    index %= value.shape[dim]
    return replaced(call, value, unsqueeze(call, part, dim), dim, index, index + 1)


def replaced(call: Call, value: Value, part: Value, dim: int, start: int, stop: int) -> Value:
    """What is before a part, the part, and what is behind it, one after the other."""
    length = value.shape[dim]
    rest = [
        value.part(dim, low, high, call.selector) if high > low else None for low, high in ((0, start), (stop, length))
    ]
    pieces = [piece for piece in (rest[0], part, rest[1]) if piece is not None]
    return part if len(pieces) == 1 else joined(pieces, dim)


def moved(call: Call, value: Value, *_: Any, **__: Any) -> Value:
    """Entries that change places along some dimensions, or a border around them: those dimensions are new ones."""
    dims = [
        i
        for i, (old, new) in enumerate(zip(value.shape, call.shape, strict=True))
        if old != new or call.name != "constant_pad_nd"
    ]
    return value.windowed(Kind.PRODUCT, call.shape, dims)


TABLE: dict[str, Reading] = {
    "view": view, "_unsafe_view": view, "reshape": view, "_reshape_alias": view, "permute": permute,
    "transpose": transpose, "t": transpose_matrix, "unsqueeze": unsqueeze, "squeeze": squeeze, "expand": expand,
    "repeat": repeat, "select": select, "slice": slice_, "split": split, "split_with_sizes": split, "unbind": unbind,
    "unsafe_split": split, "unsafe_chunk": split,
    "cat": concatenate, "stack": stack, "constant_pad_nd": moved,
    "copy": copied, "slice_scatter": slice_scatter, "select_scatter": select_scatter,
}  # fmt: skip
