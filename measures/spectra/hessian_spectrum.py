"""The spectrum of the Riemannian Hessian, and of any operator."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from quotient import AbstractGeometry, Euclidean, flattened
from symmetries import Params, Tangent

from ..arguments import require_directions, require_positive
from ..loss import EmpiricalLoss
from ..operators.curvature import AbstractCurvature
from ..operators.curvature_at import Kind, curvature
from ..operators.memory import free_memory
from ..operators.operator import AbstractOperator
from .lanczos import lanczos
from .outliers import without_outliers
from .run_file import RunFile
from .spectrum import Spectrum


def operator_spectrum(
    operator: AbstractOperator,
    *,
    probes: int = 8,
    steps: int = 80,
    top: int = 10,
    outliers: int = 0,
    starts: Iterable[Tensor] | None = None,
    memory: int | None = None,
    checkpoint: str | Path | None = None,
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
        starts: vectors of the operator's space, shape ``(n,)``, in place of random ones; stated errors take them for
            such.
        memory: bytes for the basis of a run; by default half of the free memory. Where the basis of all steps does not
            fit, sums over the spectrum stay what they are, but eigenvalues can come back as copies: see
            :func:`lanczos`.
        checkpoint: a folder that finished runs, and the outliers, are saved in and taken up from.
        generator: where vectors come from.
        progress: show bars.

    Raises:
        ValueError: numbers that are not positive, an operator on a space without dimensions, or a checkpoint of
            another estimate.
    """
    require_positive(probes=probes, steps=steps, top=top)
    require_directions(operator.dimension)
    folder = None if checkpoint is None else Path(checkpoint)
    known, rest = without_outliers(operator, outliers, folder=folder, generator=generator, progress=progress)
    vectors = (operator.random(generator) for _ in range(probes)) if starts is None else starts
    done = RunFile(folder and folder / "runs.safetensors")
    saved, steps, rows = len(done.runs), min(steps, rest.dimension), _rows(operator, memory)
    for i, vector in enumerate(tqdm(vectors, desc="spectrum", total=probes, disable=not progress)):
        start = rest.project(vector)
        if i >= saved:
            done.add(lanczos(rest, start, steps, rows=rows))
        elif i == 0:
            done.require(steps, start, rest(start))
    return Spectrum(tuple(done.runs), operator.dimension, top, known)


def _rows(operator: AbstractOperator, memory: int | None) -> int:
    """How many vectors of a basis fit."""
    budget = free_memory(operator.device) // 2 if memory is None else memory
    row = operator.size * torch.empty(0, dtype=operator.dtype).element_size()
    if budget < 2 * row:
        raise ValueError(f"a run needs a basis of at least 2 vectors of {row:,} bytes, got memory={budget:,}")
    return budget // row


def hessian_spectrum(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry = Euclidean(),
    *,
    probes: int = 8,
    steps: int = 80,
    top: int = 10,
    outliers: int = 0,
    kind: Kind = "hessian",
    parameters: Sequence[str] | None = None,
    memory: int | None = None,
    checkpoint: str | Path | None = None,
    generator: torch.Generator | None = None,
    directions: Sequence[Tangent] | None = None,
    progress: bool = False,
) -> Spectrum:
    r"""The spectrum of the Riemannian Hessian of the loss on the horizontal space.

    Over ``Euclidean`` that of the Hessian; on a quotient a property of the orbit. Costs ``probes * steps``
    Hessian products and those that the outliers take, and the memory of ``steps`` parameter vectors, if there is that
    much.

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
        kind: of curvature: ``"hessian"`` or ``"gauss-newton"``.
        parameters: names or shell patterns of the parameters whose block is meant, such as one layer; see
            :func:`curvature`.
        memory: bytes for graphs that are kept, and for the basis of a run: as much for either; by default half of the
            free memory for the first, and half of what is left for the second.
        checkpoint: see :func:`operator_spectrum`.
        generator: where probes come from.
        directions: tangents at ``params`` used as probes in place of draws; see ``average_case_sharpness``.
        progress: show bars.

    Raises:
        ValueError: numbers that are not positive, a geometry without horizontal directions, or a loss that is
            not finite.
    """
    require_positive(probes=probes)
    operator = curvature(loss, params, geometry, kind=kind, parameters=parameters, memory=memory)
    starts = None if directions is None else _carried(directions, params, geometry, operator)
    return operator_spectrum(
        operator,
        probes=len(directions) if directions else probes,
        steps=steps,
        top=top,
        outliers=outliers,
        starts=starts,
        memory=memory,
        checkpoint=checkpoint,
        generator=generator,
        progress=progress,
    )


def _carried(
    directions: Sequence[Tangent], params: Params, geometry: AbstractGeometry, operator: AbstractCurvature
) -> Iterator[Tensor]:
    """Tangents at ``params`` as vectors of the operator: carried to the representative, those of its parameters."""
    if not len(directions):
        raise ValueError("directions must hold at least one tangent, got none; leave it out to draw some")
    point = {name: p.detach() for name, p in params.items()}
    for direction in directions:
        tangent = geometry.carry(point, direction)
        x = operator.chart.coordinates({name: tangent[name] for name in operator.chart.point})
        yield operator.project(flattened(x))
