"""Every measure of one model, over several geometries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import torch
from tqdm import tqdm

from quotient import AbstractGeometry, length
from symmetries import Params, Tangent

from .arguments import require_positive
from .average_case import average_case_sharpness
from .local_loss import around
from .loss import EmpiricalLoss
from .published.literature import Literature
from .published.norms import parameter_norm
from .settings import Settings
from .spectra.hessian_spectrum import hessian_spectrum
from .table import MeasureTable, Row
from .timing import timed
from .worst_case import worst_case_sharpness


def measure(
    loss: EmpiricalLoss,
    params: Params,
    geometries: Mapping[str, AbstractGeometry],
    *,
    radius: float | Mapping[str, float] | None,
    steps: int = 20,
    samples: int = 20,
    probes: int = 8,
    lanczos_steps: int = 40,
    alphas: Sequence[float] = (0.5, 1.5),
    literature: Literature | None = None,
    generator: torch.Generator | None = None,
    directions: Mapping[str, Sequence[Tangent]] | None = None,
    progress: bool = False,
) -> MeasureTable:
    r"""Worst and average case, gradient norm, trace, top eigenvalue and Rényi sharpness, over every geometry.

    Before them come two rows without a geometry, the loss and the Euclidean norm of the parameters.

    Example:
        >>> import torch
        >>> from quotient import Adaptive, Euclidean
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: 0.5 * f(x).square().sum(), [torch.tensor([[3.0, 0.0]])])
        >>> geometries = {"standard": Euclidean(), "adaptive": Adaptive()}
        >>> table = measure(loss, {"weight": torch.tensor([[2.0, 1.0]])}, geometries, radius=0.1)
        >>> table["lambda max", "standard"].value, table["lambda max", "adaptive"].value
        (9.0, 36.0)

    Args:
        loss: L.
        params: the point.
        geometries: by the names that the rows get.
        radius: of every ball, or one for every geometry by name; None leaves worst and average case out.
        steps: ascent steps of the worst case.
        samples: draws of the average case.
        probes: starting vectors of the spectrum.
        lanczos_steps: Lanczos steps from each.
        alphas: orders of Rényi sharpness.
        literature: which measures of the literature to add, each after the others of its geometry.
        generator: where draws come from; one in the same state gives the same table.
        directions: for some geometries, tangents at ``params`` that stand for all draws; the spectrum takes
            the first ``probes`` of them.
        progress: show a bar over all computations.

    Raises:
        ValueError: a radius that is missing or not positive, no geometries, or what the measures refuse.
    """
    if not geometries:
        raise ValueError("expected at least one geometry by name, such as {'standard': Euclidean()}, got none")
    radii = radii_of(radius, geometries)
    settings = Settings(steps, samples, probes, lanczos_steps, tuple(alphas), generator)
    groups = [point_rows(loss, params)]
    total = 2 + len(geometries) * (3 + len(settings.alphas)) + 2 * len(radii)
    if literature is not None:
        groups.append(literature.point_rows(loss, params, generator))
        total += literature.count(len(geometries))
    for name, geometry in geometries.items():
        given = (directions or {}).get(name)
        if name in radii:
            groups.append(ball_rows(loss, params, geometry, name, radii[name], settings, given))
        groups.append(derivative_rows(loss, params, geometry, name, settings, given))
        if literature is not None:
            groups.append(literature.geometry_rows(loss, params, geometry, name, settings, given))
    rows = tqdm(chain.from_iterable(groups), desc="measures", total=total, disable=not progress)
    return MeasureTable(tuple(rows))


def radii_of(radius: float | Mapping[str, float] | None, names: Iterable[str]) -> dict[str, float]:
    """The radius of every ball by the name of its geometry; none at all where no balls are asked for.

    Raises:
        ValueError: a radius that is missing or not positive.
    """
    if radius is None:
        return {}
    radii = dict(radius) if isinstance(radius, Mapping) else dict.fromkeys(names, radius)
    if missing := [name for name in names if name not in radii]:
        raise ValueError(f"expected a radius for every geometry, got none for {missing}")
    for name in names:
        require_positive(radius=radii[name])
    return {name: radii[name] for name in names}


def point_rows(loss: EmpiricalLoss, params: Params) -> Iterator[Row]:
    """What needs no geometry."""
    with torch.no_grad():
        value, seconds = timed(lambda: loss(params).item())
        yield Row("loss", "", value, seconds=seconds)
        norm, seconds = timed(lambda: parameter_norm(params).value)
        yield Row("parameter norm", "", norm, seconds=seconds)


def ball_rows(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry,
    name: str,
    radius: float,
    settings: Settings,
    directions: Sequence[Tangent] | None,
) -> Iterator[Row]:
    """What is measured on a ball of one geometry."""
    worst, seconds = timed(lambda: worst_case_sharpness(loss, params, geometry, radius=radius, steps=settings.steps))
    yield Row("worst case", name, worst.value, worst.stderr, seconds)
    average, seconds = timed(
        lambda: average_case_sharpness(
            loss,
            params,
            geometry,
            radius=radius,
            samples=settings.samples,
            generator=settings.generator,
            directions=directions,
        )
    )
    yield Row("average case", name, average.value, average.stderr, seconds)


def derivative_rows(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry,
    name: str,
    settings: Settings,
    directions: Sequence[Tangent] | None,
) -> Iterator[Row]:
    """What first and second derivatives in one geometry say."""
    norm, seconds = timed(lambda: gradient_norm(loss, params, geometry))
    yield Row("gradient norm", name, norm, seconds=seconds)
    spectrum, seconds = timed(
        lambda: hessian_spectrum(
            loss,
            params,
            geometry,
            probes=settings.probes,
            steps=settings.lanczos_steps,
            generator=settings.generator,
            directions=None if directions is None else directions[: settings.probes],
        )
    )
    yield Row("trace", name, spectrum.trace, spectrum.trace_stderr, seconds)
    yield Row("lambda max", name, spectrum.eigenvalues[0].item(), seconds=seconds)
    for alpha in settings.alphas:
        yield Row(f"Rényi {alpha:g}", name, spectrum.renyi(alpha), spectrum.renyi_stderr(alpha), seconds)


def gradient_norm(loss: EmpiricalLoss, params: Params, geometry: AbstractGeometry) -> float:
    r"""The length of the Riemannian gradient, :math:`\|P\, \mathrm{grad}\, L\|_\theta`."""
    local = around(loss, params, geometry)
    return length(local.value_and_gradient(local.chart.zeros())[1]).item()
