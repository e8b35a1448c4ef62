"""From a recorded computation to expressions over slots."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx

from . import arithmetic, convolution, normalization, shaping
from .axes import Misaligned, new_axes, resolved
from .call import Call, Reading
from .expression import Kind, Node, Selector
from .recording import Recording
from .value import Value, data, opaque

_TABLE: dict[str, Reading] = {
    **shaping.TABLE, **arithmetic.TABLE, **normalization.TABLE, **convolution.TABLE,
}  # fmt: skip
_ZEROS = frozenset({"zeros", "zeros_like", "new_zeros"})
_MISREADINGS = (Misaligned, TypeError, IndexError, StopIteration)


@dataclass(frozen=True)
class Expression:
    """What a model computes.

    Args:
        leaves: the whole parameters, by name.
        outputs: the results; the node and the dimensions of each.
        unknown: modules with operations that were not understood.
    """

    leaves: Mapping[str, Node]
    outputs: tuple[Value, ...]
    unknown: tuple[str, ...]


def read(recording: Recording) -> Expression:
    """Read every operation that depends on a trainable parameter."""
    return _Reader(recording).expression()


class _Reader:
    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._selector = Selector()
        self._values: dict[fx.Node, Any] = {}
        self._constants: dict[fx.Node, Value] = {}
        self._unknown: dict[str, None] = {}

    def expression(self) -> Expression:
        leaves: dict[str, Node] = {}
        names = iter(self._recording.names)
        outputs: tuple[Value, ...] = ()
        for node in self._recording.graph.graph.nodes:
            if node.op == "placeholder":
                leaf = self._leaf(next(names), node)
                leaf.node.order = len(leaves)
                leaves[leaf.node.name] = leaf.node
                self._values[node] = leaf
            elif node.op == "output":
                outputs = tuple(self._value(n) for n in node.args[0] if n in self._values)
            elif any(n in self._values for n in node.all_input_nodes):
                self._read(node)
        return Expression(leaves, outputs, tuple(self._unknown))

    @staticmethod
    def _leaf(name: str, node: fx.Node) -> Value:
        axes = new_axes(_shape(node.meta["val"]))
        return Value(Node(Kind.LEAF, resolved(s for axis in axes for s in axis), name=name, axes=axes), axes)

    def _read(self, node: fx.Node) -> None:
        if getattr(node.target, "__name__", "") == "getitem" and isinstance(node.args[0], fx.Node):
            chosen = self._values[node.args[0]][node.args[1]]
            if chosen is not None:
                self._values[node] = chosen
            return
        name = _name(node)
        result = self._understood(name, node)
        if result is None:
            self._unknown[self._recording.modules[node.name] or "the model itself"] = None
            result = self._opaque(name, node)
        for value in result if isinstance(result, list) else [result]:
            if value is not None and not value.node.module:
                value.node.module = self._recording.modules[node.name]
        self._values[node] = result
        if _is_in_place(node):
            self._values[node.args[0]] = result  # type: ignore[index]

    def _understood(self, name: str, node: fx.Node) -> Any:
        args: Any
        args, kwargs = fx.map_arg((node.args, dict(node.kwargs)), self._value)
        call = self._call(name, node)
        try:
            if name in shaping.IDENTITIES:
                return shaping.identity(call, *args)
            if name in arithmetic.RECTIFIERS:
                return args[0].mapped(Kind.RECTIFIER, name=name)
            if name in arithmetic.FUNCTIONS:
                return args[0].mapped(Kind.FUNCTION, name=name)
            return None if name not in _TABLE else _TABLE[name](call, *args, **kwargs)
        except _MISREADINGS:
            return None

    def _opaque(self, name: str, node: fx.Node) -> Value | list[Value]:
        operands = [self._values[n] for n in node.all_input_nodes if n in self._values]
        flat = [v for entry in operands for v in (entry if isinstance(entry, list) else [entry]) if v is not None]
        call = self._call(name, node)
        if call.shapes:
            return [opaque(flat, shape, name) for shape in call.shapes]
        return opaque(flat, call.shape, name)

    def _call(self, name: str, node: fx.Node) -> Call:
        result = node.meta["val"]
        if isinstance(result, Tensor):
            return Call(name, tuple(result.shape), (), self._selector)
        shapes = tuple(_shape(value) for value in result)
        return Call(name, shapes[0], shapes, self._selector)

    def _value(self, node: fx.Node) -> Any:
        if node in self._values:
            return self._values[node]
        if node not in self._constants:
            value = data(_shape(node.meta.get("val")))
            value.node.name = "zero" if _name(node) in _ZEROS else ""
            self._constants[node] = value
        return self._constants[node]


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape) if isinstance(value, Tensor) else ()


def _name(node: fx.Node) -> str:
    schema = getattr(node.target, "_schema", None)
    name = str(schema.name).rpartition("::")[2] if schema is not None else str(node.target)
    return name.rstrip("_")


def _is_in_place(node: fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and str(schema.name).endswith("_") and isinstance(node.args[0], fx.Node)
