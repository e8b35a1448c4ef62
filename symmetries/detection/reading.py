"""From a recorded computation to expressions over slots."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

from . import arithmetic, choosing, convolution, normalization, planes, shaping
from .axes import Misaligned, new_axes, resolved
from .call import Call, Reading
from .expression import ZERO, Kind, Node, Selector, constant
from .recording import Operation, Place, Recording
from .value import Value, opaque

_TABLE: dict[str, Reading] = {
    **shaping.TABLE, **arithmetic.TABLE, **normalization.TABLE, **convolution.TABLE, **choosing.TABLE,
    **planes.TABLE,
}  # fmt: skip
_MISREADINGS = (Misaligned, TypeError, IndexError)


@dataclass(frozen=True)
class Expression:
    """What a model computes.

    Args:
        outputs: the results; the node and the dimensions of each.
        unknown: modules with operations that were not understood.
    """

    outputs: tuple[Value, ...]
    unknown: tuple[str, ...]


def read(recording: Recording) -> Expression:
    """Read every operation that depends on a trainable parameter."""
    return _Reader().expression(recording)


class _Reader:
    def __init__(self) -> None:
        self._selector = Selector()
        self._values: dict[int, Value] = {}
        self._data: dict[Hashable, tuple[Tensor, Value]] = {}
        self._unknown: dict[Node, str] = {}

    def expression(self, recording: Recording) -> Expression:
        for i, name in enumerate(recording.names):
            axes = new_axes(recording.shapes[name])
            slots = resolved(slot for axis in axes for slot in axis)
            self._values[i] = Value(Node(Kind.LEAF, slots, name=name, axes=axes, order=i), axes)
        for operation in recording.operations:
            self._read(operation)
        outputs = tuple(self._values[n] for n in recording.outputs)
        used = _used(value.node for value in outputs)
        return Expression(outputs, tuple(dict.fromkeys(m for node, m in self._unknown.items() if node in used)))

    def _read(self, operation: Operation) -> None:
        call = Call(operation.name, operation.shapes, operation.is_single, self._selector)
        results = self._understood(call, operation)
        if results is None:
            inputs = [self._values[leaf.number] for leaf in tree_leaves(operation.args) if isinstance(leaf, Place)]
            results = [opaque(inputs, shape, operation.name) for shape in operation.shapes]
            if not operation.is_choice:
                module = operation.module or "the model itself"
                self._unknown |= {value.node: module for value in results if value is not None}
        for number, value in zip(operation.results, results, strict=False):
            if number is not None and value is not None:
                self._values[number] = value
                value.node.module = value.node.module or operation.module

    def _understood(self, call: Call, operation: Operation) -> list[Value | None] | None:
        args, kwargs = tree_map_only((Place, Tensor), self._value, (operation.args, dict(operation.kwargs)))
        if call.name not in planes.UNDERSTOOD and any(v.pair for v in tree_leaves(args) if isinstance(v, Value)):
            return None
        try:
            result = _reading(call, args, kwargs)
        except _MISREADINGS:
            return None
        return result if isinstance(result, list) or result is None else [result]

    def _value(self, argument: Place | Tensor) -> Value:
        if isinstance(argument, Place):
            return self._values[argument.number]
        key = _identity(argument)
        if key not in self._data:
            self._data[key] = (argument, _constant(argument))
        return self._data[key][1]


def _used(nodes: Iterable[Node]) -> set[Node]:
    """The nodes, and all that they are computed from."""
    todo, used = list(nodes), set()
    while todo:
        node = todo.pop()
        if node not in used:
            used.add(node)
            todo += node.operands
    return used


def _identity(argument: Tensor) -> Hashable:
    """What tells data apart: views of the same entries, one for every map that reads them, are one."""
    if argument.is_meta or argument.layout is not torch.strided or not argument.numel():
        return id(argument)
    return argument.data_ptr(), argument.dtype, argument.shape, argument.stride()


def _constant(argument: Tensor) -> Value:
    """Data; a dimension that was expanded is a broadcast one."""
    axes = new_axes(argument.shape)
    strides = argument.stride() if argument.layout is torch.strided else [1] * argument.ndim
    slots = (slot for axis, stride in zip(axes, strides, strict=True) if stride for slot in axis)
    node = constant(slots, data=None if argument.is_meta else argument)
    is_zero = not argument.is_meta and argument.numel() > 0 and not bool(argument.any())
    node.name = ZERO if is_zero else ""
    return Value(node, axes)


def _reading(call: Call, args: Any, kwargs: Mapping[str, Any]) -> Any:
    if call.name in shaping.IDENTITIES:
        return shaping.identity(call, *args)
    if call.name in arithmetic.RECTIFIERS:
        return args[0].mapped(Kind.RECTIFIER, name=call.name)
    if call.name in arithmetic.FUNCTIONS:
        return args[0].mapped(Kind.FUNCTION, name=call.name)
    return _TABLE[call.name](call, *args, **kwargs) if call.name in _TABLE else None
