"""Rotations of a stream: orthogonal, and inside what the norm allows."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from symmetries import Rotation, SymmetryError, View, declare, verify


class Stream(nn.Module):
    """A stream written by a linear layer and read through a norm."""

    def __init__(self, norm: nn.Module):
        super().__init__()
        self.write, self.norm, self.read = nn.Linear(3, 5), norm, nn.Linear(5, 4)

    def forward(self, x):
        return self.read(self.norm(self.write(x)))


def rotation(norm: nn.Module, *, fixes_ones: bool) -> Rotation:
    gain = View("norm.weight", "n -> 1 n 1")
    return Rotation(
        "stream",
        writers=(View("write.weight", "n h -> 1 n h"), View("write.bias", "n -> 1 n 1")),
        readers=((View("read.weight", "h n -> 1 n h"), gain),),
        shifts=((View("norm.bias", "n -> 1 n 1"), gain),) if isinstance(norm, nn.LayerNorm) else (),
        fixes_ones=fixes_ones,
    )


@pytest.fixture(params=[(nn.RMSNorm, False, 10), (nn.LayerNorm, True, 6)], ids=["rms norm", "layer norm"])
def case(request, float64):
    make, fixes_ones, dimension = request.param
    model = Stream(make(5))
    for value in model.norm.parameters():
        value.data += 0.3 * torch.randn_like(value)
    return model, rotation(model.norm, fixes_ones=fixes_ones), dimension


def test_rotation_leaves_the_function_and_has_its_dimension(case, generator):
    model, factor, dimension = case
    symmetry = declare(model, factor)
    assert symmetry.dimension == dimension
    assert verify(model, symmetry, torch.randn(7, 3), generator=generator) < 1e-12


def test_elements_are_special_orthogonal_and_fix_what_they_must(case, generator):
    model, factor, _ = case
    q = factor.random(declare(model, factor).shapes, generator=generator, condition=10.0, scale=1.0)
    torch.testing.assert_close(q @ q.mT, torch.eye(5)[None])
    torch.testing.assert_close(torch.linalg.det(q), torch.ones(1))
    if factor.fixes_ones:
        torch.testing.assert_close(q @ torch.ones(5), torch.ones(1, 5))


def test_layer_norm_does_not_allow_all_rotations(float64, generator):
    model = Stream(nn.LayerNorm(5))
    symmetry = declare(model, rotation(model.norm, fixes_ones=False))
    with pytest.raises(SymmetryError, match="'stream' is not a symmetry"):
        verify(model, symmetry, torch.randn(7, 3), generator=generator)


def test_rotation_is_counted_and_not_taken_out(case):
    model, factor, _ = case
    symmetry = declare(model, factor)
    assert symmetry.quotiented == ()
    assert symmetry.random() == {}
    assert factor.section(dict(model.named_parameters())) is None


def test_width_that_differs_is_an_error(float64):
    model = Stream(nn.RMSNorm(5))
    wrong = Rotation("stream", (View("write.weight", "n h -> 1 n h"),), ((View("read.weight", "n h -> 1 n h"), None),))
    with pytest.raises(SymmetryError, match="expected 5 channels along n"):
        declare(model, wrong)


def test_heads_rotate_apart(cases, generator):
    case = cases("compared heads")
    factor = case.symmetry["heads"]
    q = factor.random(case.symmetry.shapes, generator=generator, condition=10.0, scale=1.0)
    assert q.shape == (2, 4, 4)
    assert factor.dimension(case.symmetry.shapes) == 2 * 6
    assert not torch.allclose(q[0], q[1])


def test_number_of_copies_that_differs_is_an_error(cases):
    case = cases("compared heads")
    with pytest.raises(SymmetryError, match="expected 3 copies in 'q.weight'"):
        declare(case.model, replace(case.symmetry["heads"], copies=3))
