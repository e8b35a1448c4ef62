"""Finding what fails among many, where most of it holds."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def failing(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    r"""The items on which a test fails, where it fails on a set if it does on a member.

    All at once, and by halves where that fails: one call where all is well, and about
    :math:`2 k \log_2(n / k)` for k of n. The result is empty, too, where sets fail but no single item does.

    Example:
        >>> failing(range(100), lambda part: 17 in part)
        [17]
    """
    if not items or not fails(items):
        return []
    if len(items) == 1:
        return list(items)
    half = len(items) // 2
    return failing(items[:half], fails) + failing(items[half:], fails)
