"""How long a computation takes."""

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def timed(function: Callable[[], Result]) -> tuple[Result, float]:
    """A result, and the seconds it took."""
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start
