"""The Gauss-Newton matrix of the loss: the part of its Hessian that is positive for a convex loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from quotient import AbstractChart
from symmetries import Covector, Params, Tangent, output_tensors

from ..differential import pulled_back, require_finite_loss, require_names, summed
from ..kernels import twice_differentiable
from ..loss import EmpiricalLoss
from .curvature import AbstractCurvature
from .graphs import Graphs

Outputs = Callable[[Any], Sequence[Tensor]]

#: A gradient that misses this much of its length, in the dtype's own units, has come by another way than the outputs.
_ULPS = 2.0**14


@dataclass(frozen=True)
class _Linearization:
    """A term at a point: outputs z, the slope of the loss in them, ``J^T w`` for a symbolic w; all with graphs."""

    outputs: list[Tensor]
    slope: list[Tensor]
    weights: list[Tensor]
    pulled: Covector


class GaussNewtonProduct:
    r"""The map :math:`v \mapsto J^T (\nabla^2_z \ell)\, J\, v` at a point [Schraudolph2002].

    J is the Jacobian of the model's outputs z, and :math:`\ell` the loss as a function of them.
    For cross-entropy, and for half the squared error, it is the Fisher information of the model at the inputs of the
    data. :math:`J v` is the derivative in w of :math:`\langle J^T w, v \rangle`, so that reverse mode is all it takes.

    Law: symmetric; positive semi-definite where the loss is convex in the outputs.

    Args:
        loss: the mean of convex functions of the model's outputs.
        params: the point.
        memory: bytes that kept graphs may hold; see :class:`measures.operators.graphs.Graphs`.
        outputs: from what the model returns to the tensors z that the loss sees; by default logits where there are
            some by name, and otherwise every floating-point tensor that is not 0-dimensional.

    Raises:
        ValueError: outputs that the loss does not come through: its gradient through them is not its gradient; or a
            loss that is not finite.
    """

    def __init__(
        self, loss: EmpiricalLoss, params: Params, *, memory: int | None = None, outputs: Outputs | None = None
    ) -> None:
        loss.require(params)
        self._loss, self._params, self._outputs = loss, params, outputs or network_outputs
        self._leaves = loss.processes.leaves(params)
        self._checked = False
        build = [partial(self._linearized, term) for term in loss.terms]
        self._terms = Graphs(build, self._leaves, memory)

    def __call__(self, tangent: Tangent) -> Covector:
        """The product with ``tangent``, detached."""
        require_names(tangent, self._leaves)
        tangent = self._loss.processes.gathered(tangent, "tangents")
        product = summed((self._product(term, tangent) for term in self._terms), self._leaves)
        return self._loss.processes.reduced(product, self._params)

    def _linearized(self, term: Callable[[Params], Tensor]) -> _Linearization:
        with torch.enable_grad(), twice_differentiable(), self._loss.observing(self._outputs) as outputs:
            value = term(self._leaves)
            require_finite_loss(value, self._leaves)
            z = [output for output in outputs if output.requires_grad]
            if not z:
                raise ValueError(
                    "the loss never called the model, or its outputs depend on no parameter; give outputs=... to say "
                    "which tensors of the model's result the loss is a function of"
                )
            slope = list(torch.autograd.grad(value, z, create_graph=True, allow_unused=True, materialize_grads=True))
            weights = [torch.zeros_like(output).requires_grad_() for output in z]
            parts = torch.autograd.grad(
                z, list(self._leaves.values()), weights, create_graph=True, allow_unused=True, materialize_grads=True
            )
        if not self._checked:
            self._require_whole(value, z, slope)
        return _Linearization(z, slope, weights, dict(zip(self._leaves, parts, strict=True)))

    def _product(self, term: _Linearization, tangent: Tangent) -> Covector:
        varying = {name: part for name, part in term.pulled.items() if part.requires_grad}
        pushed = torch.autograd.grad(
            list(varying.values()),
            term.weights,
            [tangent[name].detach() for name in varying],
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        curved = [(s, u) for s, u in zip(term.slope, pushed, strict=True) if s.requires_grad]
        if not curved:
            return {name: torch.zeros_like(p) for name, p in self._leaves.items()}
        bent = torch.autograd.grad(
            [s for s, _ in curved],
            term.outputs,
            [u for _, u in curved],
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        return pulled_back(term.outputs, self._leaves, bent)

    def _require_whole(self, value: Tensor, z: list[Tensor], slope: list[Tensor]) -> None:
        """Raise unless all of the gradient comes through the outputs."""
        whole = pulled_back([value], self._leaves, [torch.ones_like(value)])
        through = pulled_back(z, self._leaves, [s.detach() for s in slope])
        missed = sum(float((whole[name] - through[name]).double().square().sum()) for name in whole) ** 0.5
        length = sum(float(part.double().square().sum()) for part in whole.values()) ** 0.5
        if missed > _ULPS * torch.finfo(z[0].dtype).eps * length:
            raise ValueError(
                f"{missed / length:.2g} of the gradient does not come through the outputs of the model: does the loss "
                "have a term in the parameters or in hidden states? Give outputs=... to say which tensors of the "
                "model's result it is a function of"
            )
        self._checked = True


class GaussNewton(AbstractCurvature):
    r"""The Gauss-Newton matrix on the horizontal space, :math:`P E^T J^T (\nabla^2_z \ell) J E P`.

    A vertical direction changes no output, :math:`J E x = 0`, so that it belongs to the orbit without a correction for
    curved geodesics, and is the Riemannian Hessian where the residuals vanish.

    Args:
        loss: see :class:`GaussNewtonProduct`.
        chart: normal coordinates at the point.
        memory: bytes that kept graphs may hold.
        outputs: see :class:`GaussNewtonProduct`.
    """

    def __init__(
        self,
        loss: EmpiricalLoss,
        chart: AbstractChart,
        *,
        memory: int | None = None,
        outputs: Outputs | None = None,
    ) -> None:
        super().__init__(chart)
        self._product = GaussNewtonProduct(loss, chart.point, memory=memory, outputs=outputs)

    def product(self, tangent: Tangent) -> Covector:
        """The Euclidean Gauss-Newton product."""
        return self._product(tangent)


def network_outputs(result: Any) -> list[Tensor]:
    """Logits where there are some by name, and otherwise every floating-point tensor that is not 0-dimensional."""
    return [value for _, value in output_tensors(result, "") if value.ndim]
