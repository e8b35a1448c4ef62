"""The smallest effort that is enough."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeVar

Effort = TypeVar("Effort")


def smallest(efforts: Sequence[Effort], enough: Callable[[Effort], bool]) -> Effort | None:
    """The first of some ascending efforts that is enough, by doubling and then halving; None where none is.

    ``enough`` is supposed to be false up to some effort and true from there on; every effort is tried at most once.

    Example:
        >>> smallest([10, 20, 30, 40, 50], lambda effort: effort >= 35)
        40
    """
    low, high = 0, 0
    while high < len(efforts) and not enough(efforts[high]):
        low, high = high + 1, 2 * high + 1
    if high >= len(efforts):
        last = len(efforts) - 1
        if low > last or not enough(efforts[last]):
            return None
        high = last
    return efforts[bisect_left(range(low, high), True, key=lambda i: enough(efforts[i])) + low]
