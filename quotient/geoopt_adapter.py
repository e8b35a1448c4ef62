"""Any geometry as a manifold of geoopt, so that geoopt's optimizers run on it."""

from typing import Any

import geoopt
import torch
from torch import Tensor

from symmetries import Params, Shapes

from .coordinates import dot
from .geometry import AbstractChart, AbstractGeometry


class PackedManifold(geoopt.Manifold):
    r"""All parameters of a model as one point: their concatenation, a vector of shape ``(n,)``.

    geoopt's manifolds act on single tensors, and a geometry couples many; so the model runs on the pieces of
    one vector, by ``torch.func.functional_call(model, manifold.unpack(theta), inputs)``. A point off the
    section, or in an unbalanced basis, stands for its orbit like any other: ``projx`` leaves it where it is,
    since a move to another representative would leave the optimizer's vectors behind. :meth:`parameter`
    starts at the representative.

    ``transp`` is the horizontal projection at the new point. Maps are differentiable in tangents, not in
    points. Over ``Quotient``, ``geoopt.optim.RiemannianAdam`` (whose second moment is a single number here)
    and ``RiemannianSGD`` commute with the group, the latter without momentum only: geoopt 0.5.1 starts its
    buffer from the differential, as if that were a tangent.

    Example:
        >>> import geoopt, torch
        >>> from quotient import Adaptive, PackedManifold
        >>> params = {"weight": torch.tensor([[1.0, -2.0]]), "bias": torch.tensor([0.5])}
        >>> manifold = PackedManifold(Adaptive(), params)
        >>> theta = manifold.parameter(params)
        >>> optimizer = geoopt.optim.RiemannianSGD([theta], lr=0.1)
        >>> unpacked = manifold.unpack(theta)
        >>> (unpacked["weight"] @ torch.ones(2) + unpacked["bias"]).square().sum().backward()
        >>> optimizer.step()
        >>> theta.detach()
        tensor([ 1.1000, -1.6000,  0.5250])

    Args:
        geometry: of the parameters.
        params: names, shapes and dtype of the parameters; their values are not kept.

    Raises:
        ValueError: no parameters, or more than one dtype.
    """

    name = "Packed"
    ndim = 1
    reversible = False

    def __init__(self, geometry: AbstractGeometry, params: Params) -> None:
        super().__init__()
        dtypes = {p.dtype for p in params.values()}
        if len(dtypes) != 1:
            raise ValueError(f"expected parameters of one dtype, got {sorted(map(str, dtypes))}")
        self.geometry = geometry
        self.shapes: Shapes = {name: p.shape for name, p in params.items()}
        self._latest: tuple[Tensor, AbstractChart] | None = None

    @property
    def size(self) -> int:
        """The length of a packed vector."""
        return sum(shape.numel() for shape in self.shapes.values())

    def pack(self, params: Params) -> Tensor:
        """A point, tangent or covector as one vector."""
        return torch.cat([params[name].reshape(-1) for name in self.shapes])

    def unpack(self, x: Tensor) -> Params:
        """The inverse of :meth:`pack`: views of the vector, which autograd sees through."""
        pieces = x.split([shape.numel() for shape in self.shapes.values()])
        named = zip(self.shapes.items(), pieces, strict=True)
        return {name: piece.view(shape) for (name, shape), piece in named}

    def parameter(self, params: Params) -> geoopt.ManifoldParameter:
        """What to optimize: the geometry's representative of ``params``, packed."""
        start = self.geometry.representative({name: params[name].detach() for name in self.shapes})
        return geoopt.ManifoldParameter(self.pack(start), manifold=self)

    def inner(self, x: Tensor, u: Tensor, v: Tensor | None = None, *, keepdim: bool = False) -> Tensor:
        chart = self._chart(x)
        a = chart.coordinates(self.unpack(u))
        value = dot(a, a if v is None else chart.coordinates(self.unpack(v))).to(x.dtype)
        return value.reshape(1) if keepdim else value

    def proju(self, x: Tensor, u: Tensor) -> Tensor:
        chart = self._chart(x)
        return self.pack(chart.vector(chart.project(chart.coordinates(self.unpack(u)))))

    def projx(self, x: Tensor) -> Tensor:
        return x

    def egrad2rgrad(self, x: Tensor, u: Tensor) -> Tensor:
        chart = self._chart(x)
        return self.pack(chart.vector(chart.project(chart.components(self.unpack(u)))))

    def expmap(self, x: Tensor, u: Tensor) -> Tensor:
        chart = self._chart(x)
        return self.pack(chart.exp(chart.coordinates(self.unpack(u))))

    def retr(self, x: Tensor, u: Tensor) -> Tensor:
        return self.expmap(x, u)

    def transp(self, x: Tensor, y: Tensor, v: Tensor) -> Tensor:
        return self.proju(y, v)

    def extra_repr(self) -> str:
        return f"{self.geometry}, {self.size} parameters"

    def _check_shape(self, shape: tuple[int, ...], name: str) -> tuple[bool, str | None]:
        if tuple(shape) == (self.size,):
            return True, None
        return False, f"expected {name!r} of shape {(self.size,)}, got {tuple(shape)}; pack() makes it"

    def _check_point_on_manifold(self, x: Tensor, *, atol: float = 1e-5, rtol: float = 1e-5) -> tuple[bool, str | None]:
        try:
            self._chart(x)
        except ValueError as error:
            return False, str(error)
        return True, None

    def _check_vector_on_tangent(
        self, x: Tensor, u: Tensor, *, atol: float = 1e-5, rtol: float = 1e-5
    ) -> tuple[bool, str | None]:
        vertical = self.norm(x, u - self.proju(x, u))
        if bool(vertical <= atol + rtol * self.norm(x, u)):
            return True, None
        return False, f"expected a horizontal vector, got a vertical part of length {float(vertical):.1e}"

    def _chart(self, x: Tensor) -> AbstractChart:
        """The chart at ``x``; an optimizer asks for the same one several times in a step."""
        if self._latest is None or not torch.equal(self._latest[0], x):
            point = x.detach().clone()
            self._latest = (point, self.geometry.chart(self.unpack(point)))
        return self._latest[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_latest": None}
