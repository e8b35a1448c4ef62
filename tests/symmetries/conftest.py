"""The cases, each made when a test asks for it."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tests.symmetries.cases import CASES, Case


def generic_(model: nn.Module) -> None:
    """Gains off one and shifts off zero: initial values are special points."""
    for value in model.parameters():
        if value.ndim <= 1 or value.shape[:2] == (1, 1):
            value.data += 0.3 * torch.randn_like(value)


@pytest.fixture
def cases(float64: torch.dtype) -> Callable[[str], Case]:
    """A case by its name, at generic parameters."""

    def build(name: str) -> Case:
        built = CASES[name]()
        generic_(built.model)
        return built

    return build


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, cases: Callable[[str], Case]) -> Case:
    """Each of the cases in turn."""
    return cases(request.param)
