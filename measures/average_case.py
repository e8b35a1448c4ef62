"""Average-case sharpness: how much the loss rises in a random direction."""

import math
from collections.abc import Sequence
from typing import Literal

import torch

from quotient import AbstractGeometry, scaled
from symmetries import Params, Tangent

from .arguments import require_positive
from .draws import draws, standard_error
from .local_loss import around
from .loss import EmpiricalLoss
from .sharpness import Sharpness


def average_case_sharpness(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry,
    *,
    radius: float,
    samples: int = 20,
    generator: torch.Generator | None = None,
    spread: Literal["ball", "coordinate"] = "ball",
    directions: Sequence[Tangent] | None = None,
    progress: bool = False,
) -> Sharpness:
    r"""The mean rise of the loss at Gaussian horizontal displacements, with its standard error.

    .. math:: S(\theta) = \mathbb{E}\, L(\exp_\theta(\sigma E z)) - L(\theta), \qquad z \sim N(0, P),

    with an orthonormal frame E of the metric and the projection P on the horizontal space, of dimension d.
    With ``spread="ball"``, :math:`\sigma = r / \sqrt d`, so that the mean square length is :math:`r^2` and
    radii mean the same as in the worst case; to second order S is :math:`r^2/2` times the mean Hessian
    eigenvalue. With ``spread="coordinate"``, :math:`\sigma = r`: over ``Euclidean`` and ``Adaptive`` the
    measure of [Andriushchenko2023] with its radii; to second order :math:`r^2/2` times the trace.

    Draws are made in coordinates at the representative of ``params``. To compare two points of one orbit draw
    by draw, give both the same ``directions``, transported by the group element.

    Example:
        >>> import torch
        >>> from quotient import Euclidean
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: 0.5 * f(x).square().sum(), [torch.eye(2)])
        >>> params = {"weight": torch.ones(1, 2)}
        >>> directions = [{"weight": torch.tensor([[1.0, 1.0]])}, {"weight": torch.tensor([[-1.0, -1.0]])}]
        >>> average_case_sharpness(loss, params, Euclidean(), radius=1.0, directions=directions).value
        0.500

    Args:
        loss: L.
        params: the point.
        geometry: what is orthonormal, and horizontal.
        radius: r.
        samples: how many draws.
        generator: where they come from.
        spread: what the radius measures.
        directions: tangents at ``params`` that are used, scaled by :math:`\sigma`, in place of draws: such as
            ``geometry.random(params, generator)``, standard in the metric.
        progress: show a bar over the draws.

    Raises:
        ValueError: a radius or a number of samples that is not positive, an unknown spread, no directions, or
            a loss that is not finite.
    """
    require_positive(radius=radius, samples=samples)
    if spread not in ("ball", "coordinate"):
        raise ValueError(f"spread must be 'ball' or 'coordinate', got {spread!r}")
    local = around(loss, params, geometry)
    chart = local.chart
    sigma = radius / math.sqrt(max(chart.dimension, 1)) if spread == "ball" else radius
    base = local.per_batch(chart.zeros())
    vectors = draws(
        params,
        geometry,
        chart,
        samples,
        generator=generator,
        directions=directions,
        progress="average case" if progress else None,
    )
    rises = [local.per_batch(scaled(z, sigma)) - base for z in vectors]
    table = torch.stack(rises)  # (samples, batches)
    means = table.mean(dim=1)
    return Sharpness(means.mean().item(), standard_error(means), per_batch=tuple(table.mean(dim=0).tolist()))
