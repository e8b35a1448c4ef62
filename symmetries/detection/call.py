"""One recorded call of an operation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .expression import Selector

Reading = Callable[..., Any]
"""From a :class:`Call` and its arguments to the value or values of the result; None for what is not understood."""


@dataclass(frozen=True)
class Call:
    """What an operation's reading may use beside its arguments.

    Args:
        name: the operation, without namespace, overload and the mark of an in-place variant.
        shapes: of every result.
        is_single: whether there is one result, not a sequence of them.
        selector: takes parts of nodes.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    is_single: bool
    selector: Selector

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the first result."""
        return self.shapes[0]
