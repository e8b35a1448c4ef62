r"""Worst-case sharpness of diagonal linear networks without a search, and the formulas of [daSilva2025] 5.1.

A horizontal velocity has :math:`\xi_u / u = \xi_v / v = b`. The invariant geodesic moves :math:`\beta = u \odot v` to
:math:`\beta e^{2b}`, with :math:`|\xi|^2 = 2 |b|^2`; the mixed one to :math:`\beta (1 + 2b)`, with
:math:`|\xi|^2 = 2 |\beta b|^2`, a straight line. For a quadratic loss with gradient g and Hessian H in
:math:`\beta`, with :math:`A = \mathrm{diag}(\beta) H \mathrm{diag}(\beta)` and :math:`D = \mathrm{diag}(\beta g)`, the
rise on the ball is, in orthonormal coordinates, the quadratic form of

* mixed: the gradient :math:`\sqrt 2 g` and the Hessian :math:`2 H`, exactly;
* invariant: :math:`\sqrt 2 \beta g` and :math:`2 A + 2 D`, to second order;
* adaptive: :math:`(\beta g, \beta g)` and the blocks A, A + D; A + D, A, to second order. Its symmetric half is
  :math:`\sqrt 2 \beta g` and :math:`2 A + D`.

Where the samples are fitted, g and D vanish. Adaptive and invariant sharpness are then equal to second order, and mixed
sharpness is :math:`\rho^2 \lambda_{\max}(H)`, the same number for every network.
"""

from collections.abc import Callable, Mapping

import torch
from scipy.optimize import brentq
from torch import Tensor

from .regression import SparseRegression

#: The multiplier of a maximum is known to this part of the spread of the spectrum.
_PRECISION = 1e-15


def largest_rise(gradient: Tensor, hessian: Tensor, radius: float) -> float:
    r"""The maximum of :math:`\langle g, x \rangle + \tfrac12 \langle x, H x \rangle` on :math:`|x| \le r`.

    It lies at :math:`x = (\mu - H)^{-1} g`, where the multiplier :math:`\mu \ge \max(0, \lambda_{\max})` solves the
    secular equation :math:`|x| = r`; if x is shorter for every multiplier, the rest goes along the leading
    eigenvector [MoreSorensen1983].

    Example:
        >>> import torch
        >>> round(largest_rise(torch.tensor([1.0, 0.0]), torch.diag(torch.tensor([2.0, 1.0])), 3.0), 6)
        12.0

    Args:
        gradient: g, shape ``(n,)``.
        hessian: H, symmetric, shape ``(n, n)``.
        radius: r.
    """
    values, vectors = torch.linalg.eigh(hessian.double())
    slopes = gradient.double() @ vectors
    tiny = torch.finfo(torch.float64).tiny
    reach = slopes.norm().item() / radius
    spread = (values[-1] - values[0]).item() + reach

    def point(multiplier: float) -> Tensor:
        return slopes / (multiplier - values).clamp_min(tiny)

    def excess(multiplier: float) -> float:
        return 1.0 / radius - 1.0 / max(point(multiplier).norm().item(), tiny)

    floor = max(values[-1].item(), 0.0)
    multiplier = floor + _PRECISION * spread
    if excess(multiplier) > 0:
        multiplier = brentq(excess, multiplier, floor + spread + 2.0 * reach, xtol=_PRECISION * spread)
    x = point(multiplier)
    if values[-1] > 0:  # the maximum is on the sphere, and this entry the one that rounding spoils
        x[-1] = (radius**2 - x[:-1].square().sum()).clamp_min(0.0).sqrt() * (1.0 if slopes[-1] >= 0 else -1.0)
    return (slopes @ x + 0.5 * (values * x.square()).sum()).item()


def mixed(problem: SparseRegression, predictor: Tensor, radius: float) -> float:
    """Exact, as long as no geodesic of the ball ends: see :func:`end_of_geodesics`."""
    return largest_rise(2**0.5 * problem.gradient(predictor), 2.0 * problem.hessian, radius)


def invariant(problem: SparseRegression, predictor: Tensor, radius: float) -> float:
    """To second order in the radius."""
    slopes = predictor * problem.gradient(predictor)
    return largest_rise(2**0.5 * slopes, 2.0 * (_relative(problem, predictor) + slopes.diag()), radius)


def adaptive(problem: SparseRegression, predictor: Tensor, radius: float) -> float:
    """To second order in the radius; the straight lines make it another one than :func:`invariant`."""
    slopes, own = predictor * problem.gradient(predictor), _relative(problem, predictor)
    other = own + slopes.diag()
    hessian = torch.cat([torch.cat([own, other], dim=1), torch.cat([other, own], dim=1)])
    return largest_rise(torch.cat([slopes, slopes]), hessian, radius)


def end_of_geodesics(predictor: Tensor) -> float:
    r"""The length at which the first mixed geodesic reaches a weight of zero, :math:`\min_i |\beta_i| / \sqrt 2`."""
    return predictor.abs().min().item() / 2**0.5


def equation_8(problem: SparseRegression, predictor: Tensor, radius: float) -> float:
    r"""The invariant sharpness of [daSilva2025] Eq. 8, :math:`4 \rho |\beta (\beta - c)| + 4 \rho^2 \max \beta^2`.

    With :math:`c = X^\top y / n`. It supposes :math:`X^\top X / n = 1`, which fewer samples than features cannot have.
    """
    return _equation_8(predictor, correlations(problem), radius)


def equation_8_least_squares(problem: SparseRegression, predictor: Tensor, radius: float) -> float:
    """The same with the shortest predictor that fits the samples for c: equal under the supposition."""
    return _equation_8(predictor, torch.linalg.lstsq(problem.inputs, problem.responses, driver="gelsd")[0], radius)


def _equation_8(predictor: Tensor, c: Tensor, radius: float) -> float:
    return (4 * radius * (predictor * (predictor - c)).norm() + 4 * radius**2 * predictor.square().max()).item()


def published_mixed(problem: SparseRegression, predictor: Tensor, radius: float) -> float:
    r"""The mixed sharpness of [daSilva2025] 5.1 up to constants, :math:`\rho |\beta - c|`, under the same supposition.

    A predictor that fits all samples has :math:`\langle \beta, X^\top y \rangle = |y|^2`, so that this orders such
    predictors by their length :math:`|\beta|`, and by nothing else; so it does with the other c.
    """
    return (radius * (predictor - correlations(problem)).norm()).item()


def correlations(problem: SparseRegression) -> Tensor:
    r"""The vector :math:`X^\top y / n`, shape ``(d,)``."""
    return problem.inputs.mT @ problem.responses / len(problem.responses)


#: Every closed form, by geometry and kind.
CLOSED_FORMS: Mapping[tuple[str, str], Callable[[SparseRegression, Tensor, float], float]] = {
    ("adaptive", "closed form"): adaptive,
    ("invariant", "closed form"): invariant,
    ("invariant", "published formula"): equation_8,
    ("invariant", "published formula, least squares"): equation_8_least_squares,
    ("mixed", "closed form"): mixed,
    ("mixed", "published formula"): published_mixed,
}


def _relative(problem: SparseRegression, predictor: Tensor) -> Tensor:
    return predictor.unsqueeze(1) * problem.hessian * predictor
