"""PAC-Bayes flatness: how much noise the parameters bear."""

import math
from collections.abc import Callable, Sequence

import torch
from scipy.optimize import brentq
from torch import Tensor

from quotient import AbstractGeometry, Euclidean, scaled
from symmetries import Params, Tangent

from ..arguments import require_positive
from ..draws import draws, standard_error
from ..local_loss import around
from ..loss import EmpiricalLoss
from ..sharpness import Sharpness

#: The search begins at this fraction of the widest noise; and gives up at the square of it.
_START = 2.0**-10
#: Half the width, in log sigma, of the interval over which the slope of the rise is taken.
_SLOPE_STEP = 0.05


class WidthError(ValueError):
    """No width of the noise raises a loss by the tolerance, or every one does."""


def pac_bayes_flatness(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry = Euclidean(),
    *,
    tolerance: float = 0.1,
    samples: int = 20,
    widest: float = 16.0,
    rtol: float = 1e-6,
    generator: torch.Generator | None = None,
    directions: Sequence[Tangent] | None = None,
    progress: bool = False,
) -> Sharpness:
    r"""The inverse variance of the widest Gaussian noise that the loss bears, [Jiang2020] Eqs. 53 and 61.

    .. math:: 1 / \sigma^2, \qquad
        \mathbb{E}\, L(\exp_\theta(\sigma E z)) - L(\theta) = \epsilon, \qquad z \sim N(0, P),

    with an orthonormal frame E of the metric and the horizontal projection P. Over ``Euclidean`` it is the
    measure of the paper, motivated by [Neyshabur2017]; over ``Adaptive`` its magnitude-aware form, with noise
    proportional to every weight (the paper adds a little, 1e-3, of another that is not, so that weights of zero
    move too); over a quotient the noise leaves out what does not change the function.

    Every draw z is used with its opposite, which takes the slope of the loss out of the noise. The same draws
    serve every :math:`\sigma`, so that the mean rise is one curve: it is followed from a small :math:`\sigma`,
    octave by octave, to its first crossing of :math:`\epsilon`, which is then found by Brent's method.
    To second order, :math:`1 / \sigma^2 = \mathrm{tr} H / 2 \epsilon`. The paper takes the error rate for L, and
    0.1 for :math:`\epsilon`: give a loss function that returns the error rate for that.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: 0.5 * f(x).square().sum(), [torch.eye(2)])
        >>> directions = [{"weight": torch.tensor([[1.0, 1.0]])}, {"weight": torch.tensor([[1.0, -1.0]])}]
        >>> pac_bayes_flatness(loss, {"weight": torch.zeros(1, 2)}, tolerance=0.25, directions=directions).value
        4.0000

    Args:
        loss: L; only its values are asked for.
        params: the point.
        geometry: what is orthonormal, and horizontal.
        tolerance: :math:`\epsilon`.
        samples: how many draws, held in memory; two evaluations each for every width that is tried, about 20.
        widest: the :math:`\sigma` at which the search gives up; adaptive noise of 1 is as large as the weights.
        rtol: relative precision of :math:`\sigma`.
        generator: where draws come from.
        directions: tangents at ``params`` used in place of draws; see ``average_case_sharpness``.
        progress: show a bar over the draws.

    Returns:
        The measure. Its standard error is that of the mean rise, divided by the slope of the curve; None for
        a curve that is flat there, such as that of an error rate.

    Raises:
        ValueError: arguments that are not positive, or no directions.
        WidthError: a loss that does not rise that far at any width up to the widest, or that rises at once.
    """
    require_positive(tolerance=tolerance, samples=samples, widest=widest, rtol=rtol)
    local = around(loss, params, geometry)
    bar = "PAC-Bayes" if progress else None
    vectors = list(
        draws(params, geometry, local.chart, samples, generator=generator, directions=directions, progress=bar)
    )
    base = local(local.chart.zeros())

    @torch.no_grad()
    def rises(log_width: float) -> Tensor:
        """The mean rise at every draw and its opposite, shape ``(samples,)``; infinite where the loss overflows."""
        widths = (math.exp(log_width), -math.exp(log_width))
        values = torch.stack([loss(local.chart.exp(scaled(z, width))) for z in vectors for width in widths])
        rises = values.view(-1, 2).mean(dim=1) - base
        return torch.where(rises.isnan(), math.inf, rises)

    def excess(log_width: float) -> float:
        """How far the mean rise is above the tolerance; cut off, since interpolation asks for finite values."""
        return min(rises(log_width).mean().item() - tolerance, tolerance)

    root = brentq(excess, *bracket(excess, math.log(widest)), xtol=rtol / 2)
    value, error = math.exp(-2 * root), standard_error(rises(root))
    above, below = (rises(root + step).mean().item() for step in (_SLOPE_STEP, -_SLOPE_STEP))
    slope = (above - below) / (2 * _SLOPE_STEP)
    if error is None or not math.isfinite(error) or not 0 < slope < math.inf:
        return Sharpness(value)
    return Sharpness(value, 2 * value * error / slope)


def bracket(excess: Callable[[float], float], highest: float) -> tuple[float, float]:
    """Two logarithms of widths, at most an octave apart, between which the excess first becomes positive.

    From the starting width downwards to where it is negative, then upwards to the highest.

    Raises:
        WidthError: there is no such octave.
    """
    octave = math.log(2.0)
    low, lowest = highest + math.log(_START), highest + 2 * math.log(_START)
    while excess(low) > 0:
        low -= octave
        if low < lowest:
            raise WidthError(
                f"the loss rises by more than the tolerance at any width above {math.exp(low):.1g}; take a larger one"
            )
    while low < highest:
        high = min(low + octave, highest)
        if excess(high) > 0:
            return low, high
        low = high
    raise WidthError(
        f"the loss does not rise by the tolerance at any width up to {math.exp(highest):.3g}: take a smaller "
        "tolerance, or a larger widest"
    )
