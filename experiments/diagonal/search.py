"""Worst-case sharpness of diagonal linear networks by search: the measures of the library, network by network."""

from collections.abc import Iterator

import torch
from tqdm import tqdm

from measures import EmpiricalLoss, worst_case_sharpness
from quotient import AbstractGeometry, Adaptive, Mixed, Quotient, RungeKutta, Taylor
from symmetries import declare, diagonal

from ..models import DiagonalNet
from .closed_form import CLOSED_FORMS, end_of_geodesics
from .pool import DiagonalPool
from .regression import SparseRegression

#: Within this part of the shortest mixed geodesic, integration resolves it.
MARGIN = 0.25

#: Where closed forms of second order and the search are compared.
SMALL_RADIUS = 1e-3


def geometries(network: DiagonalNet) -> dict[str, AbstractGeometry]:
    """What a ball may be; the last is the truncated geodesic of [daSilva2025]."""
    symmetry = declare(network, diagonal("u", "v"))
    return {
        "adaptive": Adaptive(),
        "invariant": Quotient(symmetry),
        "mixed": Quotient(symmetry, Mixed(), RungeKutta(4)),
        "mixed, truncated": Quotient(symmetry, Mixed(), Taylor(2)),
    }


def searched(
    problem: SparseRegression, pool: DiagonalPool, geometry: str, *, radius: float, steps: int
) -> Iterator[float]:
    """The worst case that was found, for every network in turn."""
    network = pool.network()
    loss = _loss(problem, network)
    ball = geometries(network)[geometry]
    for index in tqdm(range(len(pool)), desc=f"{geometry}, radius {radius:g}", unit="network"):
        yield worst_case_sharpness(loss, pool.params(index), ball, radius=radius, steps=steps).value


def agreement(problem: SparseRegression, pool: DiagonalPool, *, steps: int) -> dict[str, float]:
    """The largest relative difference of search and closed form over the networks, by geometry.

    At a small radius, as two of the closed forms are of second order; for the mixed metric at one for each network,
    within which no geodesic ends.
    """
    network = pool.network()
    loss, worst = _loss(problem, network), dict.fromkeys(("adaptive", "invariant", "mixed"), 0.0)
    for index, predictor in enumerate(tqdm(pool.products, desc="closed forms against search", unit="network")):
        for geometry in worst:
            radius = MARGIN * end_of_geodesics(predictor) if geometry == "mixed" else SMALL_RADIUS
            expected = CLOSED_FORMS[geometry, "closed form"](problem, predictor, radius)
            ball = geometries(network)[geometry]
            found = worst_case_sharpness(loss, pool.params(index), ball, radius=radius, steps=steps).value
            worst[geometry] = max(worst[geometry], abs(found / expected - 1.0))
    return worst


def _loss(problem: SparseRegression, network: DiagonalNet) -> EmpiricalLoss:
    def mean_squared_error(f: DiagonalNet, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return (f(batch[0]) - batch[1]).square().mean()

    return EmpiricalLoss(network, mean_squared_error, [(problem.inputs, problem.responses)])
