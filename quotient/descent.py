"""The step of an optimizer, taken along a geodesic."""

from typing import Any

import torch

from symmetries import Covector, Params

from .coordinates import Coordinates, combined, scaled
from .geometry import AbstractChart


def require_geodesic_descent(optimizer: torch.optim.Optimizer) -> None:
    """Raise ``ValueError`` unless it is SGD with one parameter group, and only ``lr`` and ``momentum`` set.

    A step that scales single entries, or weight decay, would not commute with a symmetry group; and one
    geodesic has one learning rate.
    """
    if not isinstance(optimizer, torch.optim.SGD):
        raise ValueError(
            f"riemannian mode expects torch.optim.SGD, got {type(optimizer).__name__}: a step that scales "
            "single entries does not commute with the group; use mode='base' for it"
        )
    groups = optimizer.param_groups
    if len(groups) != 1:
        raise ValueError(f"riemannian mode expects one parameter group, got {len(groups)}: all move together")
    options = ("weight_decay", "dampening", "nesterov", "maximize")
    refused = {name: groups[0][name] for name in options if groups[0][name]}
    if refused:
        raise ValueError(f"riemannian mode takes lr and momentum only, got {refused}; use mode='base'")


def pullback(chart: AbstractChart, x: Coordinates, at_x: Covector) -> Coordinates:
    """The differential at ``x`` of a function of ``chart.exp(x)``, from its differential ``at_x`` there.

    Law: at ``x = 0`` it is ``chart.components(at_x)``.
    """
    with torch.enable_grad():
        leaves = tuple(a.detach().requires_grad_() for a in x)
        reached = {name: value for name, value in chart.exp(leaves).items() if value.requires_grad}
        return torch.autograd.grad(
            list(reached.values()),
            leaves,
            [at_x[name] for name in reached],
            allow_unused=True,
            materialize_grads=True,
        )


def geodesic_descent(
    chart: AbstractChart, gradient: Coordinates, group: dict[str, Any], velocity: Params | None
) -> tuple[Params, Params]:
    r"""Heavy-ball descent: :math:`v \leftarrow \mu P v + g`, :math:`\theta \leftarrow \exp_\theta(-\eta v)`.

    The old velocity, a tangent at the point before, is carried to this one by the projection P.

    Args:
        chart: at the point.
        gradient: g, horizontal.
        group: its ``"lr"`` is :math:`\eta`, its ``"momentum"`` is :math:`\mu`.
        velocity: v at the point before; None on the first step.

    Returns:
        The new point, and the new velocity as a tangent at the old one.
    """
    if velocity is not None:
        carried = chart.project(chart.coordinates(velocity))
        gradient = combined(gradient, group["momentum"], carried)
    return chart.exp(scaled(gradient, -float(group["lr"]))), chart.vector(gradient)
