r"""Ways to look for the maximum of a function on the ball :math:`|x| \le r`.

Only inner products, scalings and sums of vectors are used, so that an isometry of the coordinates takes the
iterates along, and with them everything computed from them. No number is read off a device: decisions are taken
where the numbers are.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from quotient import Coordinates, copied, length, length_of_sum, mix_, scale_, select_, selected, shrinkage


class Function(Protocol):
    """What is maximised: a value, and the value with its gradient.

    Points are written over later on; gradients are not.
    """

    def __call__(self, x: Coordinates) -> Tensor:
        """The value at ``x``."""

    def value_and_gradient(self, x: Coordinates) -> tuple[Tensor, Coordinates]:
        """The value and the gradient at ``x``."""


#: ``(function, start, radius, steps) -> values at the points visited, the start first, shape (steps + 1,)``
Ascent = Callable[[Function, Coordinates, float, int], Tensor]


def auto_pgd(function: Function, start: Coordinates, radius: float, steps: int) -> Tensor:
    r"""Auto-PGD [Croce2020] Algorithm 1, on a ball, with gradients divided by their length.

    .. math:: z = \Pi(x_k + \eta\, g / |g|), \qquad
              x_{k+1} = \Pi(x_k + 0.75\, (z - x_k) + 0.25\, (x_k - x_{k-1})),

    with :math:`\eta = 2r` at first and no momentum in the first step. At every checkpoint :math:`\eta` is
    halved, and the iteration goes back to the best point, if fewer than 75 % of the steps since the last one
    went up, or if neither the step size nor the best value changed since then.

    The code that accompanies [Andriushchenko2023] keeps the previous iterate, and not the last move, as
    momentum, and goes on from the previous perturbation after a halving; here the published algorithm is
    followed.

    Args:
        function: what to maximise.
        start: the first point, inside the ball.
        radius: r.
        steps: how many points to visit after the start; each costs one gradient, the last only a value.
    """
    checkpoints, last = auto_pgd_checkpoints(steps), 0
    x = previous = best = start
    value, gradient = function.value_and_gradient(x)
    highest, gradient_at_best, at_checkpoint, visited = value, copied(gradient), value, [value]
    size, improved = torch.full_like(value, 2 * radius), torch.zeros_like(value)
    halved = torch.zeros_like(value, dtype=torch.bool)
    for k in range(1, steps + 1):
        goal = previous  # its memory, while nothing else is there
        if goal is start or goal is best:
            goal = copied(goal)
        ascend_(goal, x, gradient, size, radius, momentum=0.25 if k > 1 else 0.0)
        previous, x = x, goal
        del gradient, goal  # a gradient is taken while nothing is held that is not needed after it
        if k == steps:
            break
        before, (value, gradient) = value, function.value_and_gradient(x)
        visited.append(value)
        improved = improved + (value > before)
        better, highest = value > highest, torch.maximum(value, highest)
        best = selected(better, x, best)
        select_(gradient_at_best, better, gradient)
        if k in checkpoints:
            stuck = ~halved & (highest == at_checkpoint)
            halved = stuck | (improved < 0.75 * (k - last))
            at_checkpoint, last, improved = highest, k, torch.zeros_like(value)
            size, value = torch.where(halved, size / 2, size), torch.where(halved, highest, value)
            previous, x = selected(halved, best, previous), selected(halved, best, x)
            gradient = selected(halved, gradient_at_best, gradient)
    return torch.stack([*visited, function(x)])


def auto_pgd_checkpoints(steps: int) -> list[int]:
    """The iterations at which Auto-PGD reconsiders its step size, [Croce2020] Section 3.

    Fractions 0, 0.22 of the steps, each gap 0.03 shorter than the one before and at least 0.06; in whole
    hundredths, because floating point rounds some of them over an integer.

    Example:
        >>> auto_pgd_checkpoints(20)
        [5, 9, 12, 14, 16, 18, 19, 20]
    """
    hundredths, gap = [22], 22
    while hundredths[-1] + (gap := max(gap - 3, 6)) <= 100:
        hundredths.append(hundredths[-1] + gap)
    return sorted({-(-p * steps // 100) for p in hundredths})


def projected_ascent(function: Function, start: Coordinates, radius: float, steps: int) -> Tensor:
    r"""Steps of one length :math:`2r/n` along the gradient, each brought back to the ball.

    With one step it ends where SAM evaluates its gradient, at :math:`r\, g / |g|` [Foret2021].

    Args:
        function: what to maximise.
        start: the first point, inside the ball.
        radius: r.
        steps: n.
    """
    x, visited = start, []
    for _ in range(steps):
        value, gradient = function.value_and_gradient(x)
        visited.append(value)
        previous, x = x, copied(x)
        ascend_(x, previous, gradient, 2 * radius / steps, radius)
    return torch.stack([*visited, function(x)])


def ascend_(
    previous: Coordinates,
    x: Coordinates,
    gradient: Coordinates,
    size: float | Tensor,
    radius: float,
    *,
    momentum: float = 0.0,
) -> None:
    r"""``previous`` <- :math:`\Pi((1 - m) z + 2 m x - m\, x_{previous})`, with momentum m, in place.

    Here z is the point of the ball next to ``x + size * gradient / |gradient|``, which is ``x`` at a zero gradient.
    """
    step = torch.nan_to_num(size / length(gradient), posinf=0.0)
    share = (1.0 - momentum) * shrinkage(length_of_sum(x, step, gradient), radius)
    reach = mix_(previous, -momentum, [(share + 2.0 * momentum, x), (share * step, gradient)])
    scale_(previous, shrinkage(reach, radius))
