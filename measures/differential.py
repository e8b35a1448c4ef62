r"""First and second derivatives of functions of parameters, by reverse mode.

Second derivatives are taken by reverse mode twice, through plain attention kernels: a backward pass that is
vectorized and then differentiated is wrong through a layer norm whose weight is among the variables
[functorch534], and fused attention has no second derivative.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from symmetries import Covector, Params, Tangent, require_finite


def differential(value: Tensor, leaves: Params, *, create_graph: bool = False) -> Covector:
    """The derivatives of ``value``, zero for parameters that it does not depend on."""
    if not value.requires_grad:
        return {name: torch.zeros_like(p) for name, p in leaves.items()}
    parts = torch.autograd.grad(
        value, list(leaves.values()), create_graph=create_graph, allow_unused=True, materialize_grads=True
    )
    return dict(zip(leaves, parts, strict=True))


class HessianProduct:
    r"""The map :math:`v \mapsto \nabla^2 L(\theta)\, v` at a point, for a sum of functions [Pearlmutter1994].

    :math:`H v` is the differential of :math:`\theta \mapsto \langle \nabla L(\theta), v \rangle`. With
    ``retain`` the graph of the gradient is built once for all products, which saves two of the three passes
    and costs its memory.

    Law: ``pairing(product(u), v) == pairing(product(v), u)``.

    Args:
        terms: functions of the parameters, differentiated one at a time.
        params: the point.
        retain: keep the graphs of the gradients.

    Raises:
        ValueError: a term that is not finite.
    """

    def __init__(self, terms: Sequence[Callable[[Params], Tensor]], params: Params, *, retain: bool) -> None:
        self._terms = terms
        self._leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
        self._retain = retain
        self._graphs = [self._gradient(term) for term in terms] if retain else []

    def __call__(self, tangent: Tangent) -> Covector:
        """The product with ``tangent``, detached.

        Raises:
            ValueError: a tangent with other names than the parameters.
        """
        if tangent.keys() != self._leaves.keys():
            raise ValueError(f"a tangent must have the names of the parameters, got {sorted(tangent)[:5]}")
        total = {name: torch.zeros_like(p) for name, p in self._leaves.items()}
        for graph in self._graphs if self._retain else map(self._gradient, self._terms):
            for name, part in self._differentiate(graph, tangent).items():
                total[name] += part
        return total

    def _gradient(self, term: Callable[[Params], Tensor]) -> Covector:
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            value = term(self._leaves)
            require_finite_loss(value, self._leaves)
            return differential(value, self._leaves, create_graph=True)

    def _differentiate(self, gradient: Covector, tangent: Tangent) -> Covector:
        """The derivative of the gradient's pairing with ``tangent``."""
        # An entry without a graph does not depend on the parameters.
        varying = {name: part for name, part in gradient.items() if part.requires_grad}
        if not varying:
            return {}
        with sdpa_kernel(SDPBackend.MATH):
            parts = torch.autograd.grad(
                list(varying.values()),
                list(self._leaves.values()),
                [tangent[name].detach() for name in varying],
                retain_graph=self._retain,
                allow_unused=True,
                materialize_grads=True,
            )
        return dict(zip(self._leaves, parts, strict=True))


def require_finite_loss(value: Tensor, params: Params) -> None:
    """Raise ``ValueError`` when a loss is NaN or infinite, naming the parameters at fault if any."""
    if not bool(torch.isfinite(value)):
        require_finite({name: p.detach() for name, p in params.items()})
        raise ValueError(
            f"the loss is {value.item()} at finite parameters; check the data, and where this happens away "
            "from the starting point take a smaller radius"
        )
