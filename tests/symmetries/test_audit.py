"""Audits: the declared dimension is the whole null space, and what is not is named."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from symmetries import audit, declare, relu_rescaling


def test_audit_finds_no_symmetry_that_is_not_declared(case, generator):
    found = audit(case.model, case.symmetry, case.many(generator), generator=generator)
    assert found.unexplained == 0
    assert found.declared == case.symmetry.dimension
    assert found.vertical_defect < 1e-13  # rounding of one product with J
    assert not found.false_factors
    assert found.spectral_gap > 1e6  # as far as the zeros are from the smallest value that counts


def net(activation=nn.LeakyReLU):
    model = nn.Sequential(nn.Linear(3, 4), activation(), nn.Linear(4, 2)).double()
    for value in model.parameters():
        value.data.normal_()
    return model


@pytest.mark.parametrize(
    ("name", "parameters", "nullity"),
    [  # as measured by an independent program, from forward-mode Jacobians of hand-written actions
        ("multihead", 288, 80),
        ("multihead, extra key", 304, 80),
        ("multihead, zero key", 288, 64),
        ("multihead, no bias", 256, 64),
        ("SwiGLU", 138, 6),
        ("ReGLU", 138, 12),
        ("LoRA", 48, 9),
        ("LoRA, base trained", 118, 48),
        ("diagonal", 12, 6),
        ("mlp", 143, 15),
    ],
)
def test_null_space_has_the_dimension_found_elsewhere(name, parameters, nullity, cases, generator):
    case = cases(name)
    found = audit(case.model, case.symmetry, case.many(generator), generator=generator)
    assert (found.parameters, found.nullity) == (parameters, nullity)


def test_undeclared_symmetry_is_left_over(cases, generator):
    case = cases("multihead")
    symmetry = declare(case.model, *case.declarations[1:])
    assert (
        audit(case.model, symmetry, case.many(generator), generator=generator).unexplained == 32
    )  # the query-key pair


def test_false_symmetry_is_named_and_counts_negatively(generator):
    model = net(nn.GELU)
    symmetry = declare(model, relu_rescaling("0", "2"))
    found = audit(model, symmetry, torch.randn(60, 3, generator=generator), generator=generator)
    assert (found.nullity, found.unexplained) == (0, -4)
    assert found.false_factors == ("relu_rescaling(0, 2)",)
    assert "not a symmetry: relu_rescaling(0, 2)" in str(found)


def test_low_rank_update_at_its_start_has_a_larger_null_space_than_orbit(cases, generator):
    case = cases("LoRA")
    nn.init.zeros_(case.model.lora_B.weight)
    found = audit(case.model, case.symmetry, case.many(generator), generator=generator)
    assert (found.declared, found.nullity, found.inert) == (9, 27, 18)  # r^2, r d_in: A has no influence


def test_softmax_head_adds_the_mean_of_the_logits(cases, generator):
    raw, softmax = cases("pre-norm"), cases("pre-norm, softmax")
    found = [audit(c.model, c.symmetry, c.many(generator), generator=generator) for c in (raw, softmax)]
    # Columns and bias of the unembedding, less the one direction that is a mean of its rows already.
    assert found[1].nullity - found[0].nullity == 7 - 1
    assert (found[0].overlap, found[1].overlap) == (1, 2)


def test_entries_without_influence_are_told_from_symmetries(float64, generator):
    model = nn.Sequential(nn.Embedding(9, 3), nn.Linear(3, 4), nn.LeakyReLU(), nn.Linear(4, 2))
    symmetry = declare(model, relu_rescaling("1", "3"))
    found = audit(model, symmetry, torch.randint(7, (60,), generator=generator), generator=generator)
    assert found.inert == 2 * 3  # two rows that no token reads


def test_padding_row_counts_as_the_function_depends_on_it(float64, generator):
    model = nn.Sequential(nn.Embedding(3, 2, padding_idx=0), nn.Tanh())
    found = audit(model, declare(model), torch.randint(3, (60,), generator=generator), generator=generator)
    assert found.nullity == 0
    assert model[0].padding_idx == 0  # only the copy was changed


def test_units_that_never_switch_are_named(generator):
    model = net(nn.ReLU)
    model[0].bias.data[:2] += 30.0
    symmetry = declare(model, relu_rescaling("0", "2"))
    found = audit(model, symmetry, 3 * torch.randn(200, 3, generator=generator), generator=generator)
    assert found.linear_units == {"1": 2}
    assert found.unexplained == 2**2  # two linear units: GL(2) and their biases, less two rescalings


def test_approximate_factor_is_counted_apart(cases, generator):
    case = cases("LoRA")
    exact = case.symmetry.factors[0]
    symmetry = declare(case.model, replace(exact, flags=frozenset({"approximate"})))
    found = audit(case.model, symmetry, case.many(generator), generator=generator)
    assert (found.declared, found.approximate, found.unexplained) == (0, 9, 0)


def test_audit_warns_of_too_few_outputs(generator):
    model = net()
    with pytest.warns(UserWarning, match="20 outputs for 26 parameters"):
        audit(model, declare(model), torch.randn(10, 3, generator=generator), generator=generator)


def test_dense_audit_refuses_a_model_that_is_too_large():
    model = nn.Linear(100, 101)
    with pytest.raises(ValueError, match="up to 10,000 trainable parameters, got 10,201"):
        audit(model, declare(model), torch.randn(4, 100), method="dense")


def test_audit_does_not_touch_the_model(generator):
    model = net().float()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    audit(model, declare(model, relu_rescaling("0", "2")), torch.randn(60, 3), generator=generator)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(value.grad is None for value in model.parameters())


def test_audit_of_a_frozen_model_is_an_error():
    model = net().requires_grad_(False)
    with pytest.raises(ValueError, match="needs trainable parameters, got none"):
        audit(model, declare(model), torch.randn(4, 3))


def test_audit_warns_where_the_rank_is_in_doubt(float64, generator):
    scales = torch.logspace(0, -14, 29)  # singular values without a gap
    model = nn.Linear(29, 1, bias=False)
    inputs = torch.diag(scales).repeat(3, 1)
    with pytest.warns(UserWarning, match="the rank is in doubt"):
        audit(model, declare(model), inputs, generator=generator)
