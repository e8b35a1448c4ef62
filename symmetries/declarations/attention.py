"""Changes of the basis of attention heads, and the biases that a softmax makes redundant."""

from collections.abc import Iterator
from typing import Literal

from torch import nn

from ..absorption import Shift
from ..errors import SymmetryError
from ..group import GeneralLinear
from ..symmetry import Symmetry
from ..view import View
from .declaration import declaration
from .layer import Layer, submodule
from .projections import Projections


@declaration
def query_key(
    model: nn.Module,
    attn: str = "",
    *,
    query: str | None = None,
    key: str | None = None,
    qkv: str | None = None,
    heads: int | None = None,
    kv_heads: int | None = None,
    rotary: Literal["half", "interleaved"] | None = None,
    transposed: bool = False,
) -> Iterator[Symmetry]:
    r"""The common basis of queries and keys: :math:`GL(h, \mathbb{R})` for every key-value head.

    .. math:: (W_Q x + b_Q)^{T} (W_K y + b_K), \qquad (W_Q, b_Q) \mapsto A^{-T} (W_Q, b_Q), \quad
              (W_K, b_K) \mapsto A (W_K, b_K)

    Masks, ALiBi, dropout, sinks and caps on the scores keep it; a norm on queries or keys breaks it. Rotary embeddings
    [Su2021] leave what commutes with their rotations: :math:`GL(1, \mathbb{C})` for every head and frequency, channels
    paired as (f, f + h/2) (``"half"``) or (2f, 2f + 1) (``"interleaved"``).

    Example:
        >>> from torch import nn
        >>> from symmetries import declare
        >>> model = nn.ModuleDict({"attn": nn.MultiheadAttention(8, num_heads=2)})
        >>> declare(model, query_key("attn")).dimension
        32

    Args:
        model: given by :func:`symmetries.declare`.
        attn: an ``nn.MultiheadAttention``, or the block to which the other names are relative.
        query: the query projection; its query heads lie group by group, [Ainslie2023].
        key: the key projection.
        qkv: one projection for queries, keys and values, in this order along its outputs.
        heads: the number of query heads.
        kv_heads: the number of key heads, when fewer.
        rotary: how rotary embeddings pair the channels of a head; None without them.
        transposed: weights are stored as (in, out).

    Raises:
        SymmetryError: projections that are not found or do not fit together.
    """
    found = Projections(model, attn, (("query", query), ("key", key)), qkv, heads, kv_heads, transposed)
    queries, keys = found["query"], found["key"]
    copies, group = found.counts()
    channels = head_channels(keys, copies)
    require_outputs(queries, copies * group * channels)
    if rotary is not None and (rotary not in _ROTARY or channels % 2):
        raise SymmetryError(
            f"{found.label}: rotary is 'half' or 'interleaved', with an even head size; got {rotary!r} and {channels}"
        )
    head, matrix, row = _ROTARY[rotary] if rotary else _PLAIN
    sizes = {"copies": copies, "pair": 2} if rotary else {"copies": copies}
    extra = found.extra("bias_k")
    yield Symmetry(
        GeneralLinear(1, "complex") if rotary else GeneralLinear(channels),
        standard=(
            queries.view(head.format("q "), "n", matrix.format("(q n)"), q=group, **sizes),
            *queries.bias_view(head.format("q "), row.format("q"), q=group, **sizes),
        ),
        dual=(
            keys.view(head.format(""), "n", matrix.format("n"), **sizes),
            *keys.bias_view(head.format(""), row.format("1"), **sizes),
            *(View(name, "1 1 (copies h) -> copies 1 h", copies=copies) for name in (extra,) if name),
        ),
        name=f"query_key({found.label})",
        family="query-key",
    )


#: Channels of a projection, and a matrix of heads made of them, without and with rotary embeddings.
_PLAIN = ("copies {0}h", "copies {0} h", "copies {0} h")
_ROTARY = {
    "half": ("copies {0}pair f", "(copies f) {0} 1 pair", "(copies f) {0} 1 pair"),
    "interleaved": ("copies {0}f pair", "(copies f) {0} 1 pair", "(copies f) {0} 1 pair"),
}


@declaration
def value_output(
    model: nn.Module,
    attn: str = "",
    *,
    value: str | None = None,
    output: str | None = None,
    qkv: str | None = None,
    heads: int | None = None,
    kv_heads: int | None = None,
    transposed: bool = False,
) -> Iterator[Symmetry]:
    r"""The basis of the values: :math:`GL(h, \mathbb{R})` for every key-value head.

    .. math:: W_O (W_V x + b_V), \qquad (W_V, b_V) \mapsto A^{-T} (W_V, b_V), \quad W_O \mapsto W_O A^{T}

    Attention weights of any kind keep it, rotary embeddings too; a norm or a gate between heads and output breaks it.

    Example:
        >>> from torch import nn
        >>> from symmetries import declare
        >>> block = nn.ModuleDict({"v": nn.Linear(8, 4), "o": nn.Linear(8, 8)})
        >>> declare(block, value_output(value="v", output="o", heads=2, kv_heads=1)).dimension
        16

    Args:
        model: given by :func:`symmetries.declare`.
        attn: an ``nn.MultiheadAttention``, or the block to which the other names are relative.
        value: the value projection.
        output: the output projection, which reads the heads side by side.
        qkv: one projection for queries, keys and values, in this order along its outputs.
        heads: the number of query heads.
        kv_heads: the number of value heads, when fewer.
        transposed: weights are stored as (in, out).

    Raises:
        SymmetryError: projections that are not found or do not fit together.
    """
    found = Projections(model, attn, (("value", value), ("output", output)), qkv, heads, kv_heads, transposed)
    values, reader = found["value"], found["output"]
    copies, group = found.counts()
    channels = head_channels(values, copies)
    require_inputs(reader, copies * group * channels)
    extra = found.extra("bias_v")
    yield Symmetry(
        GeneralLinear(channels),
        standard=(
            values.view("copies h", "n", "copies n h", copies=copies),
            *values.bias_view("copies h", "copies 1 h", copies=copies),
            *(View(name, "1 1 (copies h) -> copies 1 h", copies=copies) for name in (extra,) if name),
        ),
        dual=(reader.view("n", "copies q h", "copies (q n) h", copies=copies, q=group),),
        name=f"value_output({found.label})",
        family="value-output",
    )


@declaration
def key_bias(
    model: nn.Module,
    attn: str = "",
    *,
    key: str | None = None,
    qkv: str | None = None,
    transposed: bool = False,
) -> Iterator[Shift]:
    r"""A constant added to all keys: it adds the same to every score of a query, which a softmax ignores.

    .. math:: b_K \mapsto b_K + c

    [Namazifar2023]. False with rotary embeddings, a norm on the keys, a cap on the scores, sinks, or a zero key.

    Args:
        model: given by :func:`symmetries.declare`.
        attn: an ``nn.MultiheadAttention``, or the block to which the other names are relative.
        key: the key projection.
        qkv: one projection for queries, keys and values, in this order along its outputs.
        transposed: weights are stored as (in, out).

    Raises:
        SymmetryError: keys without a bias, or an attention with a zero key.
    """
    found = Projections(model, attn, (("key", key),), qkv, transposed=transposed)
    _require_no_zero_row(found)
    extra = found.extra("bias_k")
    yield Shift(
        name=f"key_bias({found.label})",
        source=bias_row(found["key"]),
        followers=tuple(View(name, "1 1 k -> 1 1 k") for name in (extra,) if name),
        family="key bias",
    )


@declaration
def value_bias(
    model: nn.Module,
    attn: str = "",
    *,
    value: str | None = None,
    output: str | None = None,
    qkv: str | None = None,
    heads: int | None = None,
    kv_heads: int | None = None,
    transposed: bool = False,
) -> Iterator[Shift]:
    r"""A constant added to all values: attention weights sum to one, so that the output bias can take it back.

    .. math:: b_V \mapsto b_V + c, \qquad b_O \mapsto b_O - W_O c

    False with dropout on the attention weights (in train mode), sinks, or a zero key.

    Args:
        model: given by :func:`symmetries.declare`.
        attn: an ``nn.MultiheadAttention``, or the block to which the other names are relative.
        value: the value projection.
        output: the output projection.
        qkv: one projection for queries, keys and values, in this order along its outputs.
        heads: the number of query heads; needed where queries share value heads.
        kv_heads: the number of value heads, when fewer.
        transposed: weights are stored as (in, out).

    Raises:
        SymmetryError: values or output without a bias, or an attention with a zero key.
    """
    grouped = heads if kv_heads else 1  # without groups the heads need not be told apart
    found = Projections(model, attn, (("value", value), ("output", output)), qkv, grouped, kv_heads, transposed)
    _require_no_zero_row(found)
    values, reader = found["value"], found["output"]
    copies, group = found.counts()
    require_inputs(reader, group * values.outputs)
    extra = found.extra("bias_v")
    yield Shift(
        name=f"value_bias({found.label})",
        source=bias_row(values),
        followers=tuple(View(name, "1 1 k -> 1 1 k") for name in (extra,) if name),
        readers=((reader.view("n", "j q h", "q n (j h)", j=copies, q=group), bias_column(reader)),),
        family="value bias into output bias",
    )


def bias_row(source: Layer) -> View:
    """A bias as ``(1, 1, k)``."""
    return _bias(source, "1 1 k")


def bias_column(reader: Layer) -> View:
    """A bias as ``(1, k, 1)``."""
    return _bias(reader, "1 k 1")


def _bias(source: Layer, right: str) -> View:
    for view in source.bias_view("k", right):
        return view
    raise SymmetryError(f"{source.name!r}: expected a layer with a bias, got none; leave this declaration out")


def head_channels(projection: Layer, heads: int) -> int:
    """The size of a head."""
    if projection.outputs % heads:
        raise SymmetryError(f"{projection.name!r}: {projection.outputs} outputs do not make {heads} equal heads")
    return projection.outputs // heads


def require_outputs(projection: Layer, expected: int) -> None:
    """Raise unless the projection has as many outputs as its partner needs."""
    if projection.outputs != expected:
        raise SymmetryError(
            f"{projection.name!r}: expected {expected} outputs, got {projection.outputs}; check heads and kv_heads"
        )


def require_inputs(projection: Layer, expected: int) -> None:
    """Raise unless the projection reads as many channels as its partner writes."""
    if projection.inputs != expected:
        raise SymmetryError(
            f"{projection.name!r}: expected {expected} inputs, got {projection.inputs}; check heads and kv_heads"
        )


def _require_no_zero_row(found: Projections) -> None:
    block = submodule(found.model, found.attn)
    if isinstance(block, nn.MultiheadAttention) and block.add_zero_attn:
        raise SymmetryError(
            f"{found.attn!r}: add_zero_attn appends a key and a value that no bias moves, so that neither bias is "
            "free; leave this declaration out"
        )
