"""The spectrum of the Riemannian Hessian, and of any operator."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from quotient import AbstractGeometry, Euclidean, flattened
from symmetries import Params, Tangent

from .arguments import require_positive
from .draws import draws
from .hessian import RiemannianHessian
from .lanczos import lanczos
from .local_loss import around
from .loss import EmpiricalLoss
from .operator import AbstractOperator
from .outliers import without_outliers
from .spectrum import Spectrum


def operator_spectrum(
    operator: AbstractOperator,
    *,
    probes: int = 8,
    steps: int = 80,
    top: int = 10,
    outliers: int = 0,
    starts: Iterable[Tensor] | None = None,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Spectrum:
    r"""The spectrum of a symmetric operator, from ``probes * steps`` products and those that the outliers take.

    Example:
        >>> import torch
        >>> from measures import MatrixOperator
        >>> eigenvalues = torch.tensor([100.0, -50.0] + 98 * [0.5], dtype=torch.float64)
        >>> generator = torch.Generator().manual_seed(0)
        >>> spectrum = operator_spectrum(MatrixOperator(torch.diag(eigenvalues)), outliers=2, generator=generator)
        >>> spectrum.trace, spectrum.frobenius_norm().value
        (99.0, 111.9)

    Args:
        operator: such as ``GaussNewton(loss, chart)``.
        probes: number of random starting vectors.
        steps: Lanczos steps from each; no more are taken than there are dimensions.
        top: how many eigenvalues to report.
        outliers: how many eigenvalues of largest modulus to find first: they are exact in every sum, and the rest
            has less noise and takes fewer steps. At most half of the dimension.
        starts: vectors of the operator's space, shape ``(n,)``, in place of random ones.
        generator: where vectors come from.
        progress: show bars.

    Raises:
        ValueError: numbers that are not positive, or an operator on a space without dimensions.
    """
    require_positive(probes=probes, steps=steps, top=top)
    if not operator.dimension:
        raise ValueError("there is no direction to move in: every parameter is pinned or vertical")
    known, rest = without_outliers(operator, outliers, generator=generator, progress=progress)
    vectors = (operator.random(generator) for _ in range(probes)) if starts is None else starts
    bar = tqdm(vectors, desc="spectrum", total=probes, disable=not progress)
    runs = tuple(lanczos(rest, rest.project(x), min(steps, rest.dimension)) for x in bar)
    return Spectrum(runs, operator.dimension, top, known)


def hessian_spectrum(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry = Euclidean(),
    *,
    probes: int = 8,
    steps: int = 80,
    top: int = 10,
    outliers: int = 0,
    generator: torch.Generator | None = None,
    directions: Sequence[Tangent] | None = None,
    progress: bool = False,
) -> Spectrum:
    r"""The spectrum of the Riemannian Hessian of the loss on the horizontal space.

    Over ``Euclidean`` that of the Hessian; on a quotient a property of the orbit. Costs ``probes * steps``
    Hessian products and those that the outliers take, and the memory of ``steps`` parameter vectors.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(
        ...     model, lambda f, x: 0.5 * f(x).square().sum(), [torch.tensor([[3.0, 0.0], [0.0, 2.0]])]
        ... )
        >>> spectrum = hessian_spectrum(loss, {"weight": torch.ones(1, 2)}, generator=torch.Generator().manual_seed(0))
        >>> spectrum.eigenvalues
        tensor([9., 4.], dtype=torch.float64)

    Args:
        loss: L.
        params: the point.
        geometry: what is orthonormal, and horizontal.
        probes: number of random starting vectors.
        steps: Lanczos steps from each; no more are taken than there are dimensions.
        top: how many eigenvalues to report.
        outliers: see :func:`operator_spectrum`.
        generator: where probes come from.
        directions: tangents at ``params`` used as probes in place of draws; see ``average_case_sharpness``.
        progress: show bars.

    Raises:
        ValueError: numbers that are not positive, a geometry without horizontal directions, or a loss that is
            not finite.
    """
    require_positive(probes=probes)
    chart = around(loss, params, geometry).chart
    if not chart.dimension:
        raise ValueError("there is no direction to move in: every parameter is pinned or vertical")
    vectors = draws(params, geometry, chart, probes, generator=generator, directions=directions, progress=None)
    return operator_spectrum(
        RiemannianHessian(loss, chart),
        probes=len(directions) if directions else probes,
        steps=steps,
        top=top,
        outliers=outliers,
        starts=map(flattened, vectors),
        generator=generator,
        progress=progress,
    )
