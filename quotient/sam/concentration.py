"""How concentrated a gradient is on few entries."""

import torch
from torch import Tensor

from symmetries import whole

from ..coordinates import Coordinates, length, scaled


def concentration(gradient: Coordinates, alpha: float) -> Tensor:
    r"""The power sum of the squared entries as a distribution, a 0-dimensional float64 tensor.

    .. math:: R_\alpha(g) = \frac{\sum_j |g_j|^{2 \alpha}}{(\sum_j g_j^2)^\alpha} = \sum_j p_j^\alpha, \qquad
              p_j = g_j^2 / \|g\|^2,

    with the Rényi entropy :math:`\log R_\alpha / (1 - \alpha)`. It does not depend on the size of g. For :math:`\alpha
    > 1` it is largest, 1, where one entry is all of g; for :math:`\alpha < 1` that is the smallest value.

    Example:
        >>> import torch
        >>> concentration((torch.tensor([2.0, 0.0]), torch.tensor([2.0])), 2.0).item()
        0.5
    """
    return whole(torch.stack([p.pow(alpha).sum(dtype=torch.float64) for p in distribution(gradient)]).sum())


def concentration_gradient(gradient: Coordinates, alpha: float) -> Coordinates:
    r"""The gradient of :func:`concentration`, orthogonal to g, since the size of g does not matter.

    .. math:: \nabla R_\alpha(g)_j = \frac{2 \alpha}{\|g\|^2} \, g_j \, (p_j^{\alpha - 1} - R_\alpha(g)).

    For :math:`\alpha < 1/2` it has no bound near a zero entry; at one it is taken as 0, as symmetry asks.
    """
    value = concentration(gradient, alpha)
    raised = (torch.where(p > 0, p, 1.0).pow(alpha - 1.0) for p in distribution(gradient))
    slope = tuple(g * (q - value.to(q)) for g, q in zip(gradient, raised, strict=True))
    return scaled(slope, 2.0 * alpha / length(gradient).square())


def distribution(gradient: Coordinates) -> Coordinates:
    """The squared entries, divided by their sum; divided first, so that no square under- or overflows."""
    return tuple(g.square() for g in scaled(gradient, 1.0 / length(gradient)))
