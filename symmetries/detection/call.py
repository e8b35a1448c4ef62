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
        shape: of the result; of the first one where there are several.
        shapes: of every result where there are several, else empty.
        selector: takes parts of nodes.
    """

    name: str
    shape: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    selector: Selector
