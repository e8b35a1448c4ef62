"""The curvature of a loss at given parameters."""

from collections.abc import Mapping, Sequence
from typing import Literal

from quotient import AbstractGeometry, Euclidean
from symmetries import Params

from ..arguments import require_directions
from ..loss import EmpiricalLoss
from .curvature import AbstractCurvature
from .gauss_newton import GaussNewton
from .hessian import RiemannianHessian

Kind = Literal["hessian", "gauss-newton"]

_KINDS: Mapping[Kind, type[RiemannianHessian] | type[GaussNewton]] = {
    "hessian": RiemannianHessian,
    "gauss-newton": GaussNewton,
}


def curvature(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry = Euclidean(),
    *,
    kind: Kind = "hessian",
    parameters: Sequence[str] | None = None,
    memory: int | None = None,
) -> AbstractCurvature:
    r"""The Hessian, or the Gauss-Newton matrix, of a loss at the representative of some parameters.

    With ``parameters``, it is the diagonal block that belongs to them: the others are held *at the representative*, and
    the geometry is restricted to the symmetries that move none of them. Blocks, too, are therefore the same along an
    orbit.

    Example:
        >>> import torch
        >>> from measures import EmpiricalLoss, eigenpairs
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Linear(1, 1))
        >>> loss = EmpiricalLoss(model, lambda f, x: 0.5 * f(x).square().sum(), [torch.tensor([[3.0, 1.0]])])
        >>> operator = curvature(loss, dict(model.named_parameters()), parameters=["1.*"])
        >>> operator.dimension
        2

    Args:
        loss: L.
        params: the point.
        geometry: what is orthonormal, and horizontal.
        kind: ``"hessian"``, or ``"gauss-newton"``: positive where the loss is convex in the outputs, and cheaper.
        parameters: names or shell patterns; by default all. See :func:`measures.layers` for those of every layer.
        memory: bytes for graphs that are kept, see :meth:`EmpiricalLoss.hessian`.

    Raises:
        ValueError: another kind, a pattern without parameters, a geometry without horizontal directions, or a loss that
            is not finite.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {list(_KINDS)}, got {kind!r}")
    point = geometry.representative({name: p.detach() for name, p in params.items()})
    if parameters is not None:
        loss, point = loss.restricted(point, parameters)
        geometry = geometry.restricted(point)
    chart = geometry.chart(point)
    require_directions(chart.dimension)
    return _KINDS[kind](loss, chart, memory=memory)
