"""Geodesic sharpness of every class in the zoo belongs to the orbit, standard sharpness to the representative.

Random elements of condition 100, absorptions included; with a tensorwise metric on what is outside the pairs also
rotations of residual streams, which an elementwise one sees; with an elementwise one scales of single units, which are
taken back squared. Isospectral curves change the size of gains: every metric sees them. Measured: 2e-12 at most.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from experiments.models.zoo import SPECIMENS
from measures import EmpiricalLoss, average_case_sharpness, worst_case_sharpness
from quotient import AbstractGeometry, Euclidean, Quotient
from symmetries import IsospectralCurve, ModelSymmetry, Params, Rescaling, detect, trainable_parameters
from symmetries.factor import APPROXIMATE
from symmetries.function import DoublePrecision, output_tensors
from tests.integration.zoo_cases import generic as specimen_and_model
from tests.integration.zoo_cases import quick

TOLERANCE = 1e-6
CONDITION = 100.0


def squared_error(model: nn.Module, batch: Any) -> Tensor:
    """Against fixed targets; in double precision also where a library casts down."""
    with DoublePrecision():
        _, outputs = next(output_tensors(model(**batch), ""))
    targets = torch.linspace(-1.0, 1.0, outputs.numel(), dtype=outputs.dtype).reshape(outputs.shape)
    return (outputs - targets).square().mean()


@pytest.fixture(params=[quick(name) for name in SPECIMENS])
def case(request: pytest.FixtureRequest, generator: torch.Generator) -> tuple[EmpiricalLoss, ModelSymmetry, Params]:
    specimen, model = specimen_and_model(request.param, generator)
    batch = dict(specimen.inputs(generator, 4))
    symmetry = detect(model, batch, head="raw")
    return EmpiricalLoss(model, squared_error, [batch]), symmetry, trainable_parameters(model)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_geodesic_sharpness_belongs_to_the_orbit(
    case: tuple[EmpiricalLoss, ModelSymmetry, Params], generator: torch.Generator
) -> None:
    loss, symmetry, theta = case
    moved = symmetry.act(symmetry.random(generator, CONDITION), theta)
    exact = [f for f in symmetry.factors if APPROXIMATE not in f.flags and not isinstance(f, IsospectralCurve)]
    scales = [f for f in exact if isinstance(f, Rescaling)]
    units = [f.name for f in scales if f.dimension(symmetry.shapes) > 1]
    everything = symmetry.random(generator, CONDITION, factors=[f for f in exact if f.name not in units])
    rotated = symmetry.act(everything, theta)
    scaled = symmetry.act(symmetry.random(generator, CONDITION, factors=scales), theta)

    def worst(params: Params, geometry: AbstractGeometry) -> float:
        return worst_case_sharpness(loss, params, geometry, radius=0.1, steps=2).value

    def average(params: Params, geometry: AbstractGeometry) -> float:
        seeded = torch.Generator().manual_seed(1)
        return average_case_sharpness(loss, params, geometry, radius=0.1, samples=2, generator=seeded).value

    elementwise, tensorwise = Quotient(symmetry), Quotient(symmetry, rest="tensorwise")
    expected = pytest.approx(worst(theta, elementwise), rel=TOLERANCE)
    assert worst(moved, elementwise) == expected
    assert not scales or worst(scaled, elementwise) == expected
    assert average(moved, elementwise) == pytest.approx(average(theta, elementwise), rel=TOLERANCE)
    assert worst(rotated, tensorwise) == pytest.approx(worst(theta, tensorwise), rel=TOLERANCE)
    assert worst(moved, Euclidean()) != pytest.approx(worst(theta, Euclidean()), rel=1e-2)
