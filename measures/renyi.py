"""Rényi sharpness: how concentrated the spectrum of the Hessian is."""

from collections.abc import Sequence

import torch

from quotient import AbstractGeometry, Euclidean
from symmetries import Params, Tangent

from .arguments import require_positive
from .loss import EmpiricalLoss
from .sharpness import Sharpness
from .spectrum import hessian_spectrum


def renyi_sharpness(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry = Euclidean(),
    *,
    alpha: float,
    parameters: Sequence[str] | None = None,
    probes: int = 8,
    steps: int = 80,
    generator: torch.Generator | None = None,
    directions: Sequence[Tangent] | None = None,
    progress: bool = False,
) -> Sharpness:
    r"""Minus the Rényi entropy of the Hessian spectrum [RenyiSharpness2025], by stochastic Lanczos quadrature.

    .. math:: -H_\alpha, \qquad H_\alpha = \frac{1}{1 - \alpha} \log \sum_i p_i^\alpha, \qquad
              p_i = \frac{|\lambda_i|}{\sum_j |\lambda_j|};

    the Shannon entropy for :math:`\alpha = 1`. It lies between :math:`-\log d` and 0, is large for a spectrum
    that is concentrated on few eigenvalues, and does not see the size of the loss. Moduli stand in the
    numerator and in the denominator: with the signed trace below, the two would not cancel at :math:`\alpha =
    1`.

    Over ``Euclidean`` this is the published measure, invariant under rescalings of whole layers of a ReLU
    network, but not of single neurons; on a quotient it is invariant. For :math:`\alpha < 1` the estimate is
    biased upwards by too few Lanczos steps, which ``half_steps`` shows; for :math:`\alpha > 1` a few large
    eigenvalues make it noisy, which ``stderr`` (a jackknife of the whole ratio over probes) shows.

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
        alpha: the order, positive.
        parameters: names or shell patterns of the parameters whose Hessian block is meant, such as one layer;
            the geometry must be one of those parameters alone. By default all.
        probes: number of random starting vectors.
        steps: Lanczos steps from each.
        generator: where probes come from.
        directions: tangents at ``params`` used as probes in place of draws.
        progress: show a bar over the probes.

    Raises:
        ValueError: an order that is not positive, a pattern without parameters, or a Hessian that is zero.
    """
    require_positive(alpha=alpha)
    if parameters is not None:
        loss, params = loss.restricted(params, parameters)
        directions = directions and [{name: u[name] for name in params} for u in directions]
    spectrum = hessian_spectrum(
        loss,
        params,
        geometry,
        probes=probes,
        steps=steps,
        generator=generator,
        directions=directions,
        progress=progress,
    )
    half = spectrum.truncated(max(1, max(run.steps for run in spectrum.runs) // 2))
    return Sharpness(spectrum.renyi(alpha), spectrum.renyi_stderr(alpha), half_steps=half.renyi(alpha))
