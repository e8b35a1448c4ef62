"""The first half of a step: where the model is perturbed to, and the way back."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from symmetries import Covector, Params

from ..coordinates import Coordinates, length, scaled
from ..geometry import AbstractChart
from ..parameter_groups import write_

#: A number, or a function of the number of steps taken and of the gradient in orthonormal coordinates.
Radius = float | Callable[[int, Coordinates], float]

#: A gradient this short counts as zero: radius / length would overflow in float32.
_SHORTEST = torch.finfo(torch.float32).tiny


@dataclass
class Ascent:
    r"""The perturbation :math:`\hat\theta = \exp_\theta(E x)`, with x along the gradient.

    Attributes:
        parameters: the live ones.
        buffers: live tensors that the second pass must not change.
        point: the parameters before, a copy.
        x: coordinates of the perturbed parameters; empty where the model stays, at a gradient that is zero or not
            finite, and once nothing needs them any more.
        finite: whether the gradient was free of NaN and Inf.
        keep: whether x is needed on the way back. It is as large as the parameters, and otherwise not held during the
            second pass.
        active: whether the live parameters are the perturbed ones.
    """

    parameters: Params
    buffers: tuple[Tensor, ...]
    point: Params
    x: Coordinates
    finite: bool
    keep: bool = False
    active: bool = field(default=False, init=False)
    _kept: list[Tensor] = field(default_factory=list, init=False)

    def perturb_(self, chart: AbstractChart) -> None:
        """Move the live parameters; the buffers are kept as they are now, after the first pass."""
        self._kept = [buffer.clone() for buffer in self.buffers]
        if self.x:
            write_(self.parameters, chart.exp(self.x))
        if not self.keep:
            self.x = ()
        self.active = True

    def restore_(self) -> None:
        """Put the parameters back, bit for bit, and the buffers; without effect when they are there."""
        if self.active:
            write_(self.parameters, self.point)
            for buffer, kept in zip(self.buffers, self._kept, strict=True):
                buffer.copy_(kept)
        self.active = False


def uphill(
    chart: AbstractChart, covector: Covector, radius: Radius, *, steps: int, scale: float
) -> tuple[Coordinates, bool]:
    r"""Coordinates :math:`x = r\, P E^T c / \|P E^T c\|` of the perturbed point; empty where there are none.

    Args:
        chart: at the point, with frame E and horizontal projection P.
        covector: c, the differential of the loss times ``scale``.
        radius: r; a negative one goes downhill.
        steps: what a schedule gets to see.
        scale: of the loss; it cancels in x, and a schedule sees the gradient without it.

    Returns:
        x, and whether the gradient was finite.

    Raises:
        ValueError: a schedule that gives NaN or Inf.
    """
    gradient = chart.project(chart.components(covector))
    norm = float(length(gradient))
    if not _SHORTEST < norm / scale < math.inf:
        return (), math.isfinite(norm)
    reach = radius(steps, scaled(gradient, 1.0 / scale)) if callable(radius) else radius
    if not math.isfinite(reach):
        raise ValueError(f"expected a finite radius, got {reach} from the schedule at step {steps}")
    return (scaled(gradient, reach / norm) if reach else ()), True


def selected(covector: Covector, globs: Sequence[str]) -> Covector:
    """The covector on parameters whose name matches one of the globs, zero on the others."""
    return {name: c if matches(name, globs) else torch.zeros_like(c) for name, c in covector.items()}


def require_matches(globs: Sequence[str], names: Iterable[str]) -> None:
    """Raise ``ValueError`` where a glob matches no name."""
    names = list(names)
    for glob in globs:
        if not any(matches(name, [glob]) for name in names):
            raise ValueError(f"expected globs of parameter names, got {glob!r}, which matches none of {names[:5]} ...")


def matches(name: str, globs: Sequence[str]) -> bool:
    """Whether any of the globs matches."""
    return any(fnmatchcase(name, glob) for glob in globs)
