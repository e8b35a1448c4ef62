"""How far a step has come."""

from dataclasses import dataclass

from symmetries import Covector

from ..geometry import AbstractChart
from .ascent import Ascent
from .random_state import RandomState


@dataclass
class Progress:
    """What the second half of a step needs from the first.

    Attributes:
        local: whether the gradient at the point is this process's own, and the next one the average of all processes.
        random: the state of the random generators before the first pass.
        ascent: the perturbation, while the gradient found there has not been brought back.
        chart: at the point, where it is needed again.
        at_point: the differential at the point, where it is needed again.
        halfway: whether a second half may follow.
        finite: whether gradients were finite so far.
    """

    local: bool = False
    random: RandomState | None = None
    ascent: Ascent | None = None
    chart: AbstractChart | None = None
    at_point: Covector | None = None
    halfway: bool = False
    finite: bool = True
