r"""First and second derivatives of functions of parameters, by reverse mode.

Second derivatives are taken by reverse mode twice, through plain attention kernels: a backward pass that is
vectorized and then differentiated is wrong through a layer norm whose weight is among the variables
[functorch534], and fused attention has no second derivative.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import Tensor

from symmetries import Covector, Params, Tangent, require_finite

from .kernels import twice_differentiable
from .operators.graphs import Graphs
from .processes import Processes


def differential(value: Tensor, leaves: Params) -> Covector:
    """The derivatives of ``value``, to be differentiated again; zero for parameters that it does not depend on."""
    if not value.requires_grad:
        return {name: torch.zeros_like(p) for name, p in leaves.items()}
    parts = torch.autograd.grad(
        value, list(leaves.values()), create_graph=True, allow_unused=True, materialize_grads=True
    )
    return dict(zip(leaves, parts, strict=True))


class HessianProduct:
    r"""The map :math:`v \mapsto \nabla^2 L(\theta)\, v` at a point, for a sum of functions [Pearlmutter1994].

    :math:`H v` is the differential of :math:`\theta \mapsto \langle \nabla L(\theta), v \rangle`. The graph of the
    gradient is built once for all products where it fits in memory, which saves two of the three passes, and anew for
    each where it does not.

    Law: ``pairing(product(u), v) == pairing(product(v), u)``.

    Args:
        terms: functions of the parameters, differentiated one at a time.
        params: the point.
        memory: bytes that kept graphs may hold; see :class:`measures.operators.graphs.Graphs`.
        processes: whose terms add up; the product is then summed over them.

    Raises:
        ValueError: a term that is not finite.
    """

    def __init__(
        self,
        terms: Sequence[Callable[[Params], Tensor]],
        params: Params,
        *,
        memory: int | None = None,
        processes: Processes = Processes(),
    ) -> None:
        self._params, self._processes = params, processes
        self._leaves = processes.leaves(params)
        self._gradients = Graphs([partial(self._gradient, term) for term in terms], self._leaves, memory)

    def __call__(self, tangent: Tangent) -> Covector:
        """The product with ``tangent``, detached.

        Raises:
            ValueError: a tangent with other names than the parameters.
        """
        require_names(tangent, self._leaves)
        tangent = self._processes.gathered(tangent, "tangents")
        product = summed((self._differentiate(gradient, tangent) for gradient in self._gradients), self._leaves)
        return self._processes.reduced(product, self._params)

    def _gradient(self, term: Callable[[Params], Tensor]) -> Covector:
        with torch.enable_grad(), twice_differentiable():
            value = term(self._leaves)
            require_finite_loss(value, self._leaves)
            return differential(value, self._leaves)

    def _differentiate(self, gradient: Covector, tangent: Tangent) -> Covector:
        """The derivative of the gradient's pairing with ``tangent``."""
        # An entry without a graph does not depend on the parameters.
        varying = {name: part for name, part in gradient.items() if part.requires_grad}
        return pulled_back(list(varying.values()), self._leaves, [tangent[name].detach() for name in varying])


def pulled_back(outputs: Sequence[Tensor], leaves: Params, weights: Sequence[Tensor]) -> Covector:
    """The differential of the pairing of ``outputs`` with ``weights``; the graph stays."""
    if not outputs:
        return {name: torch.zeros_like(p) for name, p in leaves.items()}
    parts = torch.autograd.grad(
        outputs, list(leaves.values()), weights, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return dict(zip(leaves, parts, strict=True))


def summed(covectors: Iterable[Covector], leaves: Params) -> Covector:
    """The sum, zero for none; one summand at a time is held."""
    total: Covector = {}
    for covector in covectors:
        for name, part in covector.items():
            total[name] = total[name] + part if name in total else part
    return total or {name: torch.zeros_like(p) for name, p in leaves.items()}


def require_names(tangent: Tangent, params: Params) -> None:
    """Raise ``ValueError`` unless a tangent has the names of the parameters."""
    if tangent.keys() != params.keys():
        raise ValueError(f"a tangent must have the names of the parameters, got {sorted(tangent)[:5]}")


def require_finite_loss(value: Tensor, params: Params) -> None:
    """Raise ``ValueError`` when a loss is NaN or infinite, naming the parameters at fault if any."""
    if not bool(torch.isfinite(value)):
        require_finite({name: p.detach() for name, p in params.items()})
        raise ValueError(
            f"the loss is {value.item()} at finite parameters; check the data, and where this happens away "
            "from the starting point take a smaller radius"
        )
