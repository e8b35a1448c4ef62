"""The radius at which the loss rises by a given amount."""

import math
from collections.abc import Callable
from functools import cache

from scipy.optimize import brentq

RADII = (1e-8, 1e8)
"""No further is looked: at the one end rises are rounding errors, at the other weights overflow."""

POWER = 1.5
"""Of the radius, that a rise is guessed to grow with: between that of a gradient and that of a curvature."""

STRIDES = (math.log(1.1), math.log(8.0))
"""The least and the largest step of the search for an interval, in the logarithm of the radius."""


def equal_rise_radius(rise: Callable[[float], float], *, target: float, start: float, tolerance: float = 0.02) -> float:
    r"""A radius r with :math:`S(r) = \text{target}`, for a rise S that vanishes at 0 and grows.

    A root of :math:`\log S(r) - \log \text{target}` in :math:`\log r`, which is nearly linear: an interval is found by
    steps that would overshoot if S were a power, the root in it by Brent's method. A search for a maximum does not grow
    to the last digit; of several such radii this is one.

    Example:
        >>> equal_rise_radius(lambda r: 3 * r**2, target=0.75, start=0.01, tolerance=1e-6)
        0.500

    Args:
        rise: S; what is not positive counts as very small.
        target: positive.
        start: a first guess.
        tolerance: relative, of the radius.

    Raises:
        ValueError: a target or a start that is not positive, or a rise that does not come through the target.
    """
    if not (target > 0 and start > 0):
        raise ValueError(f"target and start must be positive, got {target} and {start}")

    @cache
    def excess(log_radius: float) -> float:
        return math.log(max(rise(math.exp(log_radius)), 1e-12 * target) / target)

    here, last = math.log(start), math.log(start)
    while excess(last) * excess(here) > 0 or last == here:
        if excess(here) == 0:
            return math.exp(here)
        if not RADII[0] < math.exp(here) < RADII[1]:
            raise ValueError(
                f"expected the loss to rise by {target:g} at some radius, but it rises by "
                f"{target * math.exp(excess(here)):g} at {math.exp(here):g}; choose another rise"
            )
        stride = min(max(1.2 * abs(excess(here)) / POWER, STRIDES[0]), STRIDES[1])
        last, here = here, here - math.copysign(stride, excess(here))
    return math.exp(brentq(excess, *sorted((last, here)), xtol=tolerance))
