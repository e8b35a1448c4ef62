"""Relative flatness of one layer."""

import torch

from quotient import gaussian
from symmetries import Params, pairing, unknown_name, whole

from ..arguments import require_positive
from ..draws import standard_error
from ..loss import EmpiricalLoss
from ..sharpness import Sharpness


def relative_flatness(
    loss: EmpiricalLoss,
    params: Params,
    layer: str,
    *,
    neurons: int = 0,
    probes: int | None = None,
    generator: torch.Generator | None = None,
) -> Sharpness:
    r"""The curvature of one layer, weighted by the inner products of its neurons [Petzka2021] Definition 3.

    .. math:: \kappa(W) = \sum_{s, s'} \langle w_s, w_{s'} \rangle \, \mathrm{tr}\, H_{ss'}, \qquad
              H_{ss'} = \frac{\partial^2 L}{\partial w_s \, \partial w_{s'}},

    with the rows :math:`w_s` of W, the weights into one neuron each. For any U with :math:`U U^T = W W^T`,

    .. math:: \kappa(W) = \sum_j \langle U E_j, H\, (U E_j) \rangle = \mathbb{E} \langle U Z, H\, (U Z) \rangle

    over the unit matrices :math:`E_j`, or over random Z of uncorrelated standardized entries: the trace of the
    Hessian in the metric :math:`\langle \xi, \zeta \rangle = \mathrm{tr}\, \xi^T (W W^T)^{-1} \zeta`. Hence
    it does not change when the layer is scaled, when its neurons are, or under :math:`W \to A W` for any
    invertible A undone by the layer that reads them (the basis of a head: queries, keys, values); it does
    under :math:`W \to W A`, what scales the neurons before or changes the basis of the heads that an output
    projection reads.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: 0.5 * f(x).square().sum(), [torch.tensor([[3.0, 0.0]])])
        >>> relative_flatness(loss, {"weight": torch.tensor([[2.0, 1.0]])}, "weight").value  # |w|^2 |x|^2
        45.0

    Args:
        loss: L.
        params: the point.
        layer: the name of W. A tensor with more axes, such as a convolution's, is read as a matrix.
        neurons: the axis of W that numbers the neurons; 1 where weights are stored transposed.
        probes: how many Gaussian Z to draw, one Hessian product each; by default the sum over unit matrices
            is taken, exact, at one product for each entry of W (fewer where it has more rows than columns).
        generator: where Z come from.

    Raises:
        ValueError: an unknown layer, one without two axes, an axis it lacks, or no probes.
    """
    params = {name: whole(p.detach()) for name, p in params.items()}
    if layer not in params:
        raise ValueError(unknown_name("parameter", layer, params))
    if params[layer].ndim < 2 or not 0 <= neurons < params[layer].ndim:
        raise ValueError(
            f"{layer!r} has shape {tuple(params[layer].shape)}: expected at least two axes, and neurons={neurons} "
            "to be one of them"
        )
    if probes is not None:
        require_positive(probes=probes)
    restricted, chosen = loss.restricted(params, [layer])
    stored = chosen[layer].detach().movedim(neurons, 0)
    matrix = stored.flatten(1)  # (neurons, inputs)
    hessian = restricted.hessian(chosen)

    def curvature(direction: torch.Tensor) -> torch.Tensor:
        tangent = {layer: direction.unflatten(1, stored.shape[1:]).movedim(0, neurons)}
        return pairing(hessian(tangent), tangent)

    if probes is not None:
        square = (matrix.new_zeros(matrix.shape[1], matrix.shape[1]),)
        samples = torch.stack([curvature(matrix @ gaussian(square, generator)[0]) for _ in range(probes)])
        return Sharpness(samples.mean().item(), standard_error(samples))
    left, singular, _ = torch.linalg.svd(matrix, full_matrices=False)
    units = torch.eye(matrix.shape[1], dtype=matrix.dtype, device=matrix.device)
    return Sharpness(sum(curvature(torch.outer(u, e)).item() for u in (left * singular).T for e in units))
