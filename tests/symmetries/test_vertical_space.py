"""The vertical space: what lies in it leaves nothing, and the stored and the iterative projection agree."""

import pytest
import torch

from symmetries import trainable_parameters
from symmetries.audit import vertical_space
from symmetries.audit.vertical import flat
from symmetries.audit.vertical_space import VerticalSpace


@pytest.fixture(params=["multihead", "SwiGLU", "pre-norm", "diagonal"])
def space(request, cases, generator):
    case = cases(request.param)
    return VerticalSpace(case.symmetry, trainable_parameters(case.model), generator)


@pytest.fixture(params=["stored", "iterative"])
def method(request, monkeypatch):
    if request.param == "iterative":
        monkeypatch.setattr(vertical_space, "STORED", 0)


def norm(tangent):
    return torch.cat([value.flatten() for value in tangent.values()]).norm().item()


def test_a_vertical_direction_leaves_nothing(space, method, generator):
    vertical = space.symmetry.infinitesimal(space.symmetry.random_algebra(generator), space.params)
    (left,) = space.residuals([vertical], space.symmetry.factors)
    assert norm(left) < 1e-6 * norm(vertical)  # least squares stop at 1e-8


def test_the_stored_and_the_iterative_projection_agree(space, monkeypatch, generator):
    tangent = {name: torch.randn(value.shape, generator=generator) for name, value in space.params.items()}
    (stored,) = space.residuals([tangent], space.symmetry.factors)
    monkeypatch.setattr(vertical_space, "STORED", 0)
    iterative = VerticalSpace(space.symmetry, space.params, generator)
    assert space.basis is not None
    assert iterative.basis is None
    (found,) = iterative.residuals([tangent], space.symmetry.factors)
    difference = flat(stored, space.params) - flat(found, space.params)
    assert difference.norm().item() < 1e-6 * norm(stored) < 1e-6 * norm(tangent)


def test_without_factors_everything_is_left(space, generator):
    tangent = {name: torch.randn(value.shape, generator=generator) for name, value in space.params.items()}
    nothing = VerticalSpace(space.symmetry.restricted([]), space.params, generator)
    assert nothing.basis is None
    assert flat(nothing.residuals([tangent], ())[0], space.params).equal(flat(tangent, space.params))
