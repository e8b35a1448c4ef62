"""One recorded call of an operation."""

from dataclasses import dataclass

from .expression import Selector


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
