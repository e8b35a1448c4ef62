"""How operations that choose entries, by constant positions or by comparing values, read as nodes.

What is chosen changes only where values cross, so locally it is data. A choice by values still reads them: a change
that it could see is no symmetry. So the positions stay nodes, opaque ones, and what is chosen is linear in its source.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from .arithmetic import operand, reduced_dims, scaled
from .axes import new_axes
from .call import Call, Reading
from .expression import Kind, Node, constant
from .value import Value, data, einsum, elementwise, opaque

#: The marks of a node that orders the entries along an axis, and of positions that depend on parameters.
ORDER, CHOICE = "order", "choice"


def positions(sources: Iterable[Value], shape: Sequence[int]) -> Value:
    """Zeros and ones of some shape, that depend on these values: data where they are."""
    chosen = [value for value in sources if value.node.kind is not Kind.CONSTANT]
    return opaque(chosen, shape, CHOICE) if chosen else data(shape)


def one_hot(index: Value, size: int) -> Value:
    """A last dimension more, in which one entry is chosen; where the index is broadcast, so is the choice."""
    axes, last = new_axes(index.shape), new_axes([size])[0]
    kept = [axis for axis, old in zip(axes, index.axes, strict=True) if any(s in index.owned for s in old)]
    slots = [slot for axis in (*kept, last) for slot in axis]
    if index.node.kind is Kind.CONSTANT:
        return Value(constant(slots), (*axes, last))
    return Value(Node(Kind.OPAQUE, tuple(slots), (index.node,), ((),), name=CHOICE), (*axes, last))


def where(call: Call, condition: Value, left: Any, right: Any) -> Value:
    """A choice between two tensors; between a value and data it is a mask."""
    left, right = operand(left), operand(right)
    kept, other = (right, left) if left.node.kind is Kind.CONSTANT else (left, right)
    if other.node.kind is Kind.CONSTANT:
        return elementwise(Kind.MASK, elementwise(Kind.MASK, kept, condition), other)
    chosen = positions([condition], condition.shape)
    return elementwise(Kind.SUM, elementwise(Kind.PRODUCT, left, chosen), elementwise(Kind.PRODUCT, right, chosen))


def embedding(call: Call, table: Value, indices: Value, *_: Any, **__: Any) -> Value:
    """Rows of a table."""
    rank = len(indices.axes)
    rows, labels = positions([indices], call.shape[:rank]), list(range(rank))
    return einsum(Kind.SELECTION, rows, table, labels, [-1, rank], [*labels, rank])


def embedding_bag(call: Call, table: Value, *args: Any, mode: int = 0, **__: Any) -> list[Value | None] | None:
    """Sums (mode 0) or means (mode 1) of rows of a table; None for maxima."""
    mode = args[3] if len(args) > 3 else mode
    if mode not in (0, 1):
        return None
    rows = data(call.shape[:1])
    return [einsum(Kind.SELECTION if mode else Kind.PRODUCT, rows, table, [0], [-1, 1], [0, 1]), None, None, None]


def indexed(call: Call, value: Value, indices: list[Value | None]) -> Value | None:
    """``value[indices]``: a choice along adjacent dimensions, a part of one where it is known to be that."""
    at = [i for i, index in enumerate(indices) if index is not None]
    first = _start(indices[at[0]]) if len(at) == 1 else None
    if first is not None:
        return value.part(
            at[0], first % value.shape[at[0]], first % value.shape[at[0]] + call.shape[at[0]], call.selector
        )
    if at != list(range(at[0], at[-1] + 1)):
        return None
    fresh = len(call.shape) - (len(value.axes) - len(at))
    rows = positions([index for index in indices if index is not None], call.shape[at[0] : at[0] + fresh])
    labels, new = list(range(len(value.axes))), [-1 - i for i in range(fresh)]
    return einsum(Kind.SELECTION, rows, value, new, labels, [*labels[: at[0]], *new, *labels[at[-1] + 1 :]])


def index_put(call: Call, value: Value, indices: list[Value | None], part: Value, accumulate: bool = False) -> Any:
    """Entries at some positions replaced, or added to."""
    at = [i for i, index in enumerate(indices) if index is not None]
    if at != list(range(at[0], at[-1] + 1)):
        return None
    found = [index for index in indices if index is not None]
    length = max(len(index.axes) for index in found) if found[0].node.kind is not Kind.OPAQUE else 1
    fresh = len(part.axes) - (len(value.axes) - at[-1] - 1) - at[0]
    if fresh < 0 or fresh > length:
        return None
    labels, new = list(range(len(value.axes))), [-1 - i for i in range(fresh)]
    chosen = [call.shape[i] for i in at]
    rows = positions(found, [*part.shape[at[0] : at[0] + fresh], *chosen])
    of_part = [*labels[: at[0]], *new, *labels[at[-1] + 1 :]]
    put = einsum(Kind.PRODUCT, rows, part, [*new, *at], of_part, labels)
    return elementwise(Kind.SUM, value if accumulate else _cleared(value, found, at), put)


def _cleared(value: Value, indices: Iterable[Value], dims: Sequence[int]) -> Value:
    """A value with zeros at some positions along some dimensions."""
    mask = positions(indices, [value.shape[dim] for dim in dims])
    axes = iter(mask.axes)
    return elementwise(
        Kind.PRODUCT, value, mask.viewed(next(axes) if i in dims else () for i in range(len(value.axes)))
    )


def _start(index: Value | None) -> int | None:
    """Where consecutive positions start, if they are known to be that."""
    known = None if index is None or len(index.axes) != 1 else index.node.data
    if known is None or known.dtype == torch.bool or not known.numel():
        return None
    consecutive = torch.arange(known.numel(), device=known.device) + known[0]
    return int(known[0]) if torch.equal(known, consecutive) else None


def index_select(call: Call, value: Value, dim: int, index: Value) -> Value | None:
    """Entries of one dimension."""
    dim %= len(value.axes)
    return indexed(call, value, [index if i == dim else None for i in range(len(value.axes))])


def index_add(call: Call, value: Value, dim: int, index: Value, part: Value, alpha: float = 1) -> Value:
    """Entries of one dimension added to."""
    dim %= len(value.axes)
    rows, labels = one_hot(index, value.shape[dim]), list(range(len(value.axes)))
    of_part = [-1 if label == dim else label for label in labels]
    put = einsum(Kind.PRODUCT, rows, part, [-1, dim], of_part, labels)
    return elementwise(Kind.SUM, value, put if alpha == 1 else scaled(put))


def gather(call: Call, value: Value, dim: int, index: Value, **_: Any) -> Value:
    """For every entry of an index, an entry of the value along one dimension."""
    dim %= len(value.axes)
    for i, length in enumerate(index.shape):
        if i != dim and length < value.shape[i]:
            value = value.part(i, 0, length, call.selector)
    labels = list(range(len(value.axes)))
    result = [-1 if label == dim else label for label in labels]
    return einsum(Kind.SELECTION, one_hot(index, value.shape[dim]), value, [*result, dim], labels, result)


def scatter_add(call: Call, value: Value, dim: int, index: Value, part: Value, **_: Any) -> Value | None:
    """Entries added to, along one dimension, at positions that an index gives for each."""
    dim %= len(value.axes)
    if any(length != value.shape[i] for i, length in enumerate(index.shape) if i != dim):
        return None
    for i, length in enumerate(index.shape):
        if length < part.shape[i]:
            part = part.part(i, 0, length, call.selector)
    labels = list(range(len(value.axes)))
    of_part = [-1 if label == dim else label for label in labels]
    put = einsum(Kind.PRODUCT, one_hot(index, value.shape[dim]), part, [*of_part, dim], of_part, labels)
    return elementwise(Kind.SUM, value, put)


def scatter(call: Call, value: Value, dim: int, index: Value, part: Any, **options: Any) -> Value | None:
    """Entries replaced, along one dimension, at positions that an index gives for each."""
    if options:
        return None
    if not isinstance(part, Value):
        return elementwise(Kind.MASK, value, positions([index], value.shape))
    return scatter_add(call, _cleared(value, [index], range(len(value.axes))), dim, index, part)


def topk(call: Call, value: Value, *args: Any, dim: int = -1, **_: Any) -> list[Value | None]:
    """The largest entries along a dimension, or all of them in order, and where they are."""
    dim = next((a for a in args[call.name == "topk" :] if not isinstance(a, bool) and a is not None), dim)
    index = ordered(value, dim, call.shape)
    return [gather(call, value, dim, index), index]


def argmax(call: Call, value: Value, dim: int | None = None, *_: Any, **__: Any) -> Value:
    """Where the largest entry is, or in which order the entries are."""
    return ordered(value, dim, call.shape)


def ordered(value: Value, dim: int | None, shape: Sequence[int]) -> Value:
    """Positions that depend on the order of the entries along a dimension: blind to a common shift, as a softmax is."""
    order = value.mapped(Kind.SOFTMAX, reduced_dims(value, dim), name=ORDER)
    return opaque([order], shape, CHOICE)


def largest(call: Call, value: Value, dim: Any = None, keepdim: bool = False) -> Value | list[Value | None]:
    """The largest entry along some dimensions; with a single one, also where it is."""
    found = value.reduced(Kind.POOL, reduced_dims(value, dim), keep=keepdim)
    return found if call.is_single else [found, ordered(value, dim, call.shape)]


def counted(call: Call, value: Value, *_: Any, **__: Any) -> Value:
    """How many entries lie where."""
    return positions([value], call.shape)


def rearranged(call: Call, value: Value, *_: Any, **__: Any) -> Value:
    """Entries that change places, or are repeated, along the dimensions that change."""
    shape, rank = call.shape, len(call.shape)
    dims = [i for i in range(rank) if value.shape[i] != shape[i]]
    return chosen(value, shape, dims)


def chosen(value: Value, shape: Sequence[int], dims: Sequence[int]) -> Value:
    """Every entry, along some dimensions, one of the value's or a mean of them."""
    labels = list(range(len(value.axes)))
    result = [-1 - label if label in dims else label for label in labels]
    rows = data([shape[dim] for dim in dims])
    return einsum(Kind.SELECTION, rows, value, [-1 - dim for dim in dims], labels, result)


def turned(call: Call, value: Value, *args: Any) -> Value | None:
    """Entries rolled or flipped along some dimensions; None for a roll of the flattened tensor."""
    dims = args[-1]
    if call.name == "roll" and (len(args) < 2 or not dims):
        return None
    return chosen(value, call.shape, [dim % len(value.axes) for dim in dims])


TABLE: dict[str, Reading] = {
    "where": where, "embedding": embedding, "index": indexed, "index_select": index_select, "index_add": index_add,
    "index_put": index_put, "_unsafe_index_put": index_put, "_unsafe_index": indexed, "gather": gather,
    "scatter_add": scatter_add, "scatter": scatter, "topk": topk, "sort": topk, "argmax": argmax, "argmin": argmax,
    "argsort": argmax, "max": largest, "min": largest, "amax": largest, "amin": largest, "roll": turned,
    "flip": turned, "histc": counted, "_embedding_bag": embedding_bag, "_embedding_bag_forward_only": embedding_bag,
    **dict.fromkeys(
        (
            *("reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d"),
            *("replication_pad3d", "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"),
            *("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"),
            *("_upsample_nearest_exact1d", "_upsample_nearest_exact2d"),
        ),
        rearranged,
    ),
}  # fmt: skip
