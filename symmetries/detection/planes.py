"""Pairs of real numbers that a model reads as complex ones and turns by data."""

from typing import Any

from .arithmetic import multiply
from .axes import Slot, new_axes, resolved
from .call import Call, Reading
from .expression import Kind, constant
from .shaping import IDENTITIES
from .value import Value, einsum

#: The name of a product that turns planes.
TURN = "turn"

#: What is understood of complex numbers: that they change places, and are turned.
UNDERSTOOD = IDENTITIES | {
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "permute", "transpose", "t", "unsqueeze", "squeeze"),
    *("expand", "select", "slice", "unbind", "view_as_real", "mul"),
}


def as_complex(call: Call, value: Value) -> Value:
    """The last dimension holds real and imaginary part."""
    return value.paired()


def as_real(call: Call, value: Value) -> Value:
    """Real and imaginary part as a last dimension."""
    return value.unpaired()


def product(call: Call, left: Any, right: Any) -> Value | None:
    """A product, of real numbers or of a complex value with data."""
    values = [value for value in (left, right) if isinstance(value, Value)]
    if not any(value.pair for value in values):
        return multiply(call, left, right)
    (value, *more), data = [v for v in values if v.pair], [v for v in values if not v.pair]
    return None if more or not data or data[0].node.kind is not Kind.CONSTANT else turned(value, data[0])


def turned(value: Value, data: Value) -> Value:
    """A complex value times complex data: in every plane a matrix of two by two."""
    new = {slot: Slot(slot.atom) for axis in data.axes for slot in resolved(axis) if slot in data.owned}
    old, fresh = new_axes([2, 2])
    matrices = Value(constant((*new.values(), *old, *fresh)), (*data.renamed(data.node, new).axes, old, fresh))
    rank = max(len(value.axes), len(data.axes))
    last = list(range(-rank, 0))
    of_value = [*last[rank - len(value.axes) :], rank]
    of_data = [*last[rank - len(data.axes) :], rank, rank + 1]
    result = einsum(Kind.PRODUCT, value.unpaired(), matrices, of_value, of_data, [*last, rank + 1])
    result.node.name = TURN
    return result.paired()


TABLE: dict[str, Reading] = {"view_as_complex": as_complex, "view_as_real": as_real, "mul": product}
