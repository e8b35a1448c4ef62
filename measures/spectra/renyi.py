"""Rényi sharpness: how concentrated the spectrum of the Hessian is."""

from collections.abc import Sequence

import torch

from quotient import AbstractGeometry, Euclidean
from symmetries import Params, Tangent

from ..loss import EmpiricalLoss
from ..operators.curvature_at import Kind
from ..sharpness import Sharpness
from .entropy import require_order
from .hessian_spectrum import hessian_spectrum

#: Eigenvalues that are found first, where nothing else is said.
OUTLIERS = 10


def renyi_sharpness(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry = Euclidean(),
    *,
    alpha: float,
    kind: Kind = "hessian",
    parameters: Sequence[str] | None = None,
    probes: int = 8,
    steps: int = 80,
    outliers: int | None = None,
    generator: torch.Generator | None = None,
    directions: Sequence[Tangent] | None = None,
    progress: bool = False,
) -> Sharpness:
    r"""Minus the Rényi entropy of the Hessian spectrum [RenyiSharpness2025], by stochastic Lanczos quadrature.

    .. math:: -H_\alpha, \qquad H_\alpha = \frac{1}{1 - \alpha} \log \sum_i p_i^\alpha, \qquad
              p_i = \frac{|\lambda_i|}{\sum_j |\lambda_j|};

    the Shannon entropy for :math:`\alpha = 1`, the logarithm of the number of eigenvalues above 1 % of the largest
    for :math:`\alpha = 0`, and of the sum of moduli over the largest for :math:`\alpha = \infty`. It lies between
    :math:`-\log d` and 0, is large for a spectrum that is concentrated on few eigenvalues, and does not see the size
    of the loss. Moduli stand in the numerator and in the denominator: with the signed trace below, the two would not
    cancel at :math:`\alpha = 1`.

    Over ``Euclidean`` this is the published measure, invariant under rescalings of whole layers of a ReLU
    network, but not of single neurons; on a quotient it is invariant.

    A few large eigenvalues make random estimates noisy; the largest are therefore found first, and are exact in the
    sums. For small orders what matters are small eigenvalues, which few Lanczos steps do not resolve; more probes do
    not help there. The stated error counts both: two of it hold two standard errors over probes, and all of what the
    moments that the Lanczos steps know leave open, which is ``unresolved``: more steps reduce it.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(4, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: 0.5 * f(x).square().sum(), [torch.eye(4)])
        >>> renyi_sharpness(loss, {"weight": torch.ones(1, 4)}, alpha=0.5, probes=2).value  # -log 4
        -1.3863

    Args:
        loss: L.
        params: the point.
        geometry: what is orthonormal, and horizontal.
        alpha: the order, from 0 to infinity.
        kind: of curvature: ``"hessian"``, or ``"gauss-newton"``, which is cheaper and has no negative eigenvalues
            where the loss is convex in the outputs.
        parameters: names or shell patterns of the parameters whose block is meant, such as one layer; by
            default all. See :func:`measures.curvature`.
        probes: number of random starting vectors.
        steps: Lanczos steps from each.
        outliers: how many of the largest eigenvalues to find first; by default 10, and none with ``directions``.
        generator: where probes come from.
        directions: tangents at ``params`` used as probes in place of draws.
        progress: show bars.

    Raises:
        ValueError: a negative order, a pattern without parameters, or a Hessian that is zero.
    """
    require_order(alpha)
    if outliers is None:
        outliers = OUTLIERS if directions is None else 0
    spectrum = hessian_spectrum(
        loss,
        params,
        geometry,
        probes=probes,
        steps=steps,
        outliers=outliers,
        kind=kind,
        parameters=parameters,
        generator=generator,
        directions=directions,
        progress=progress,
    )
    found = spectrum.renyi_estimate(alpha)
    half = spectrum.truncated(max(1, max(run.steps for run in spectrum.runs) // 2))
    return Sharpness(found.value, found.stderr, half_steps=half.renyi(alpha), unresolved=found.unresolved)
