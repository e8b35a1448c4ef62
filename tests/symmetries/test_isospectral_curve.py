"""Isospectral curves: one dimension, exact, and neither of its two halves alone."""

from dataclasses import replace

import pytest
import torch

from symmetries import IsospectralCurve, Rotation, SymmetryError, View, declare, trainable_parameters, verify

NAMES = ("normed heads", "normed embedding")


@pytest.fixture(params=NAMES)
def case(request, cases):
    return cases(request.param)


@pytest.fixture
def curve(case):
    return case.symmetry["curve"]


def number(value):
    return torch.tensor([value], dtype=torch.float64)


def change(case, params):
    with torch.no_grad():
        before = case.model(*case.inputs)
        return (torch.func.functional_call(case.model, params, case.inputs) - before).abs().max().item()


def test_curve_leaves_the_function_far_from_the_identity(case, curve, generator):
    assert verify(case.model, declare(case.model, curve), case.inputs, generator=generator, condition=1e6) < 1e-12
    params = trainable_parameters(case.model)
    for s in (-6.0, 6.0):
        assert change(case, curve.act(number(s), params)) < 1e-12


def test_neither_gains_nor_rotation_move_alone(case, curve):
    params = trainable_parameters(case.model)
    moved = curve.act(number(2.0), params)
    gain = curve.gain.parameter
    assert change(case, params | {gain: moved[gain]}) > 1e-3
    assert change(case, moved | {gain: params[gain]}) > 1e-3


def test_every_writer_must_turn(case, curve, generator):
    fewer = replace(curve, rotation=replace(curve.rotation, writers=curve.rotation.writers[1:]))
    with pytest.raises(SymmetryError, match="'curve' is not a symmetry"):
        verify(case.model, declare(case.model, fewer), case.inputs, generator=generator)


def test_partner_stays(cases):
    case = cases("normed heads")
    curve, params = case.symmetry["curve"], trainable_parameters(case.model)
    moved = curve.act(number(1.0), params)
    assert torch.equal(moved["k_norm.weight"], params["k_norm.weight"])
    assert not torch.equal(moved["q_norm.weight"], params["q_norm.weight"])


def test_equal_gains_stay_where_they_are(case, curve):
    params = trainable_parameters(case.model)
    params |= {name: torch.ones_like(params[name]) for name in params if "norm.weight" in name or name == "1.weight"}
    for name, value in curve.act(number(1.0), params).items():
        assert torch.equal(value, params[name])
    assert not any(velocity.any() for velocity in curve.infinitesimal(number(1.0), params).values())


def test_curve_is_counted_and_not_taken_out(case, curve):
    symmetry = declare(case.model, curve)
    assert symmetry.quotiented == ()
    assert curve.section(trainable_parameters(case.model)) is None
    ((family, dimension, flags),) = symmetry.families
    assert (family, dimension, flags) == ("isospectral curve", 1, {"exact", "counted"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fixes_ones": False}, "fixes_ones=True"),
        ({"shifts": ((View("1.weight", "n -> 1 n 1"), None),)}, "leaves '1.weight' alone"),
    ],
)
def test_rotation_that_does_not_fit_is_an_error(cases, changes, message):
    case = cases("normed embedding")
    curve = case.symmetry["curve"]
    with pytest.raises(SymmetryError, match=message):
        declare(case.model, replace(curve, rotation=replace(curve.rotation, **changes)))


def test_gain_of_another_width_is_an_error(cases):
    case = cases("normed embedding")
    curve = case.symmetry["curve"]
    with pytest.raises(SymmetryError, match="expected a gain of 5 channels"):
        declare(case.model, replace(curve, gain=View("3.bias", "n -> 1 n 1")))


def test_single_channel_has_no_curve(float64):
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.LayerNorm(1))
    rotation = Rotation("one", (View("0.weight", "n h -> 1 n h"),), (), fixes_ones=True)
    with pytest.raises(SymmetryError, match="expected a gain of 2 channels"):
        declare(model, IsospectralCurve("curve", View("1.weight", "n -> 1 n 1"), rotation))
