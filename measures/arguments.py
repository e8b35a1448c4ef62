"""What every measure asks of its arguments."""

import math


def require_positive(**values: float) -> None:
    """Raise ``ValueError`` naming the first value that is not positive and finite.

    Example:
        >>> require_positive(radius=-1.0)
        Traceback (most recent call last):
        ValueError: radius must be positive and finite, got -1.0
    """
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be positive and finite, got {value}")


def require_directions(dimension: int) -> None:
    """Raise ``ValueError`` for a horizontal space of dimension 0."""
    if not dimension:
        raise ValueError("there is no direction to move in: every parameter is pinned or vertical")
