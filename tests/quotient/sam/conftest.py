"""Data, optimizers of every kind, and pairs of models that are one function."""

import copy

import pytest
import torch
from torch import Tensor, nn

from symmetries import ModelSymmetry
from tests.quotient.sam.models import OPTIMIZERS, ORBITS, Make


@pytest.fixture
def data(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(12, 4, generator=generator), torch.randint(3, (12,), generator=generator)


@pytest.fixture(params=OPTIMIZERS)
def make(request: pytest.FixtureRequest) -> Make:
    return OPTIMIZERS[request.param]


@pytest.fixture(params=ORBITS)
def orbit(request: pytest.FixtureRequest) -> tuple[ModelSymmetry, nn.Module, nn.Module]:
    """A model, and the same function at other parameters."""
    make, declared = ORBITS[request.param]
    model = make()
    symmetry = declared(model)
    moved = copy.deepcopy(model)
    g = symmetry.random(torch.Generator().manual_seed(1), condition=30.0)
    there = symmetry.act(g, {n: p.detach() for n, p in model.named_parameters() if p.requires_grad})
    moved.load_state_dict(there, strict=False)
    return symmetry, model, moved
