"""The projections of an attention block, wherever it keeps them."""

from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from ..errors import SymmetryError
from .layer import Block, Layer, joined, layer, own_parameters, parameter, submodule

Role = Literal["query", "key", "value", "output"]

_FUSED: tuple[Role, ...] = ("query", "key", "value")


@dataclass(frozen=True)
class Projections:
    """Query, key, value and output projection of one attention block, found by name.

    Args:
        model: the whole model.
        attn: the block, ``""`` for the model itself; other names are relative to it.
        names: the projections that have layers of their own.
        qkv: one layer with query, key and value along its rows, in this order.
        heads: query heads; an ``nn.MultiheadAttention`` knows them.
        kv_heads: key-value heads, when queries share them in groups.
        transposed: weights are stored as (in, out).
    """

    model: nn.Module
    attn: str
    names: tuple[tuple[Role, str | None], ...] = ()
    qkv: str | None = None
    heads: int | None = None
    kv_heads: int | None = None
    transposed: bool = False

    def __getitem__(self, role: Role) -> Layer:
        """The projection in this role.

        Raises:
            SymmetryError: nothing says where it is.
        """
        name = dict(self.names).get(role)
        if name is not None:
            return layer(self.model, joined(self.attn, name), transposed=self.transposed)
        if self.qkv is not None and role in _FUSED:
            return third(layer(self.model, joined(self.attn, self.qkv), transposed=self.transposed), role)
        return multihead(self.model, self.attn, role)

    def counts(self) -> tuple[int, int]:
        """Key-value heads, and query heads that share each.

        Raises:
            SymmetryError: unknown, or groups that do not come out even.
        """
        block = submodule(self.model, self.attn)
        heads = block.num_heads if self.heads is None and isinstance(block, nn.MultiheadAttention) else self.heads
        if heads is None:
            raise SymmetryError(f"{self.label}: expected the number of heads, got none; pass heads=...")
        kv_heads = heads if self.kv_heads is None else self.kv_heads
        if heads < 1 or kv_heads < 1 or heads % kv_heads:
            raise SymmetryError(f"{self.label}: {heads} heads cannot share {kv_heads} key-value heads evenly")
        if self.qkv is not None and heads != kv_heads:
            raise SymmetryError(
                f"{self.label}: a fused projection is read as three equal parts, got {heads} heads and {kv_heads} "
                "key-value heads; declare the pair as Symmetry(...) with views of its own"
            )
        return kv_heads, heads // kv_heads

    def extra(self, name: str) -> str | None:
        """An additional parameter of an ``nn.MultiheadAttention``: ``bias_k`` or ``bias_v``."""
        block = submodule(self.model, self.attn)
        if isinstance(block, nn.MultiheadAttention) and name in own_parameters(block):
            return parameter(self.model, joined(self.attn, name))
        return None

    @property
    def label(self) -> str:
        """The block and the names in it, as the arguments of a call."""
        own = [name for _, name in (*self.names, ("", self.qkv)) if name is not None]
        return ", ".join([self.attn, *own] if self.attn else own)


def third(fused: Layer, role: Role) -> Layer:
    """Query, key or value part of a fused projection."""
    if fused.outputs % 3 or fused.taps:
        raise SymmetryError(
            f"{fused.name!r}: expected a linear layer with query, key and value along its outputs, "
            f"got {fused.outputs} outputs"
        )
    part = _FUSED.index(role)
    bias = None if fused.bias is None else Block(fused.bias.parameter, part, 3)
    return replace(fused, weight=Block(fused.weight.parameter, part, 3), bias=bias, outputs=fused.outputs // 3)


def multihead(model: nn.Module, attn: str, role: Role) -> Layer:
    """A projection of an ``nn.MultiheadAttention``.

    Raises:
        SymmetryError: another kind of module.
    """
    block = submodule(model, attn)
    if not isinstance(block, nn.MultiheadAttention):
        raise SymmetryError(
            f"{attn!r}: expected nn.MultiheadAttention, got {type(block).__name__}; name its projection, {role}='...'"
        )
    if role == "output":
        return layer(model, joined(attn, "out_proj"))
    own, part, width = own_parameters(block), _FUSED.index(role), block.embed_dim
    separate = f"{role[0]}_proj_weight"
    if separate in own:
        weight, inputs = Block(parameter(model, joined(attn, separate))), own[separate].shape[1]
    else:
        weight, inputs = Block(parameter(model, joined(attn, "in_proj_weight")), part, 3), width
    bias = Block(parameter(model, joined(attn, "in_proj_bias")), part, 3) if "in_proj_bias" in own else None
    return Layer(joined(attn, role), weight, bias, width, inputs)
