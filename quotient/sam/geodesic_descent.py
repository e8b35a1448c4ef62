"""The second half of a step, taken along a geodesic."""

from typing import Any, Literal

import torch

from symmetries import Covector, Tangent

from ..coordinates import Coordinates, length, scaled
from ..geometry import AbstractChart, AbstractGeometry
from ..parameter_groups import differential, named_parameters, write_
from .descent import AbstractDescent
from .equivariant_adam import EquivariantAdam
from .heavy_ball import HeavyBall
from .rule import AbstractRule

Transport = Literal["projection", "differential"]


class GeodesicDescent(AbstractDescent):
    r""":math:`\theta \leftarrow \exp_\theta(-\eta E u)`, with the velocity u that a rule makes of the gradients.

    Args:
        geometry: whose geodesics.
        optimizer: gives the options.
        transport: how momentum gets to the next point, before it is projected there: as it is, or along the geodesic by
            the differential of exp.

    Raises:
        ValueError: no rule is known for this optimizer or its options; several parameter groups.
    """

    geodesic = True

    def __init__(self, geometry: AbstractGeometry, optimizer: torch.optim.Optimizer, transport: Transport) -> None:
        self._geometry, self._optimizer, self._rule = geometry, optimizer, rule_of(optimizer)
        self._transport = transport
        self._momentum: Tangent = {}

    def pulled_back(self, chart: AbstractChart, x: Coordinates, covector: Covector) -> Covector:
        r""":math:`E^{-T} D^T \hat c` with the differential D of :math:`x \mapsto \exp_\theta(E x)` at x."""
        return chart.covector(chart.linearized(x)[1](covector))

    @torch.no_grad()
    def step(self, chart: AbstractChart | None, *, max_norm: float | None) -> None:
        """Gradients are clipped in the norm of the metric."""
        (group,) = self._optimizer.param_groups
        parameters = named_parameters([group])
        if chart is None:
            chart = self._geometry.chart({name: p.detach().clone() for name, p in parameters.items()})
        gradient = chart.project(chart.components(differential(parameters)))
        if max_norm is not None:
            gradient = scaled(gradient, min(1.0, max_norm / max(float(length(gradient)), max_norm)))
        velocity, momentum = self._rule.velocity(chart, gradient, self._carried(chart), group)
        step = scaled(velocity, -float(group["lr"]))
        if momentum is not None:
            along = self._transport == "differential"
            self._momentum = chart.transported(step, momentum) if along else chart.vector(momentum)
        write_(parameters, chart.exp(step))

    def state_dict(self) -> dict[str, Any]:
        """The momentum, in the order of the parameters, and the memory of the rule."""
        return {"momentum": list(self._momentum.values()), **self._rule.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them over."""
        parameters = named_parameters(self._optimizer.param_groups)
        saved = zip(parameters.items(), state["momentum"], strict=False)  # there is none before the first step
        self._momentum = {name: v.to(p, copy=True) for (name, p), v in saved}
        self._rule.load_state_dict(state)

    def _carried(self, chart: AbstractChart) -> Coordinates | None:
        """The momentum, projected on the horizontal space at the point."""
        return chart.project(chart.coordinates(self._momentum)) if self._momentum else None


def rule_of(optimizer: torch.optim.Optimizer) -> AbstractRule:
    """The geodesic counterpart of a torch optimizer.

    Raises:
        ValueError: several parameter groups, since one geodesic has one learning rate; no counterpart is known, or
            options are set that it does not have: weight decay added to the gradient, or a step that scales single
            entries, does not commute with a symmetry group.
    """
    rules: dict[type[torch.optim.Optimizer], AbstractRule] = {
        torch.optim.SGD: HeavyBall(),
        torch.optim.Adam: EquivariantAdam(),
        torch.optim.AdamW: EquivariantAdam(),
    }
    rule = rules.get(type(optimizer))
    if rule is None:
        raise ValueError(
            f"riemannian mode expects torch.optim.SGD, Adam or AdamW, got {type(optimizer).__name__}: no step of its "
            "kind is known to commute with the group; use mode='base' for it"
        )
    groups = optimizer.param_groups
    if len(groups) != 1:
        raise ValueError(f"riemannian mode expects one parameter group, got {len(groups)}: all move together")
    options = ["dampening", "nesterov", "maximize", "amsgrad"]
    if not groups[0].get("decoupled_weight_decay"):
        options.append("weight_decay")
    refused = {name: groups[0][name] for name in options if groups[0].get(name)}
    if refused:
        raise ValueError(f"riemannian mode has no counterpart of {refused}; leave it out, or use mode='base'")
    return rule
