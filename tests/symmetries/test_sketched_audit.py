"""Sketched audits: never more than the dense one finds, false factors named, the Jacobian that they rest on."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from symmetries import audit, declare, detect, relu_rescaling
from symmetries.audit.jacobian import Jacobian
from symmetries.function import NetworkFunction
from symmetries.params import trainable_parameters


def sketched(case, symmetry, generator):
    return audit(case.model, symmetry, case.many(generator), method="sketched", rows=70, generator=generator)


@pytest.mark.parametrize("name", ["multihead", "SwiGLU", "LoRA", "diagonal", "mlp", "pre-norm"])
def test_nothing_is_missed_where_the_dense_audit_misses_nothing(name, cases, generator):
    case = cases(name)
    found = sketched(case, case.symmetry, generator)
    assert (found.unexplained, found.false_factors) == (0, ())
    assert found.nullity == found.declared == case.symmetry.dimension
    assert found.vertical_defect < 1e-13


@pytest.mark.parametrize(("name", "left_out"), [("multihead", 0), ("SwiGLU", 0), ("mlp", 1)])
def test_a_part_of_what_is_not_declared_is_found(name, left_out, cases, generator):
    case = cases(name)
    symmetry = declare(case.model, *(d for i, d in enumerate(case.declarations) if i != left_out))
    found = sketched(case, symmetry, generator)
    assert 0 < found.unexplained <= case.symmetry.dimension - symmetry.dimension
    assert "a search, not a proof" in str(found)
    assert any(left for *_, left in found.blocks)


def test_what_a_norm_hides_is_found_whatever_its_gain(float64, generator):
    """The means of readers lie along inverse gains: slices move along these only where they move freely."""
    model = nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.Linear(5, 4))
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(generator=generator)
    inputs = torch.randn(60, 3, generator=generator)
    symmetry = detect(model, inputs, head="raw")
    part = replace(symmetry, factors=tuple(f for f in symmetry.factors if f.family != "mean of readers"))
    found = audit(model, part, inputs, method="sketched", rows=40, generator=generator)
    assert 0 < found.unexplained <= symmetry.dimension - part.dimension == 4
    assert any(left for name, _, left in found.blocks if name.endswith("freely"))


class Typed(nn.Module):
    """Inputs of one type only: nothing depends on the rows of the others."""

    def __init__(self):
        super().__init__()
        self.inner, self.types, self.outer = nn.Linear(3, 7), nn.Embedding(3, 7), nn.Linear(7, 4)

    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x) + self.types(torch.zeros(len(x), dtype=torch.long))))


def test_entries_without_influence_are_no_symmetries(float64, generator):
    model, inputs = Typed(), torch.randn(60, 3, generator=generator)
    found = audit(model, detect(model, inputs, head="raw"), inputs, method="sketched", rows=60, generator=generator)
    assert any("types" in name for name, *_ in found.blocks)
    assert found.unexplained == 0


def test_blocks_add_up(cases, generator):
    """What two blocks find counts twice only where it is not the same."""
    case = cases("multihead")
    found = sketched(case, declare(case.model), generator)
    several = [left for *_, left in found.blocks]
    assert max(several) < found.unexplained <= min(sum(several), case.symmetry.dimension)


def test_a_model_beyond_the_dense_limit_is_searched(float64, generator):
    model = nn.Sequential(nn.Linear(60, 120), nn.LeakyReLU(), nn.Linear(120, 40))
    inputs = torch.randn(100, 60, generator=generator)
    declared, nothing = declare(model, relu_rescaling("0", "2")), declare(model)
    complete = audit(model, declared, inputs, generator=generator)
    assert (complete.method, complete.parameters, complete.unexplained) == ("sketched", 12_160, 0)
    assert 0 < audit(model, nothing, inputs, generator=generator).unexplained <= 120


def test_few_outputs_are_warned_of(float64, generator):
    model = nn.Linear(3, 4)
    with pytest.warns(UserWarning, match="20 outputs for 256 rows"):
        audit(model, declare(model), torch.randn(5, 3, generator=generator), method="sketched", generator=generator)


def test_false_factors_are_found_among_true_ones(float64, generator):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.three = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.three(torch.tanh(self.two(torch.relu(self.one(x)))))

    model = Net()
    symmetry = declare(model, relu_rescaling("one", "two"), relu_rescaling("two", "three"))
    found = audit(
        model, symmetry, torch.randn(60, 3, generator=generator), method="sketched", rows=60, generator=generator
    )
    assert found.false_factors == ("relu_rescaling(two, three)",)
    assert found.unexplained == -4
    assert found.vertical_defect > 1e-6


@pytest.mark.parametrize(
    "layer",
    [nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.RMSNorm(4), nn.GELU()],  # group norm has no batching rule
    ids=lambda layer: type(layer).__name__,
)
def test_rows_and_products_are_those_of_the_jacobian(layer, float64, generator):
    model = nn.Sequential(nn.Linear(3, 4), layer.double(), nn.Linear(4, 2))
    params = trainable_parameters(model)
    function = NetworkFunction(model, torch.randn(5, 3, generator=generator))
    jacobian = Jacobian(function, params)
    step = {name: torch.randn(value.shape, generator=generator) for name, value in params.items()}
    h = 1e-6
    ahead, behind = (
        function.flat({name: value + sign * step[name] for name, value in params.items()}) for sign in (h, -h)
    )
    product = jacobian.product(step)
    assert torch.allclose(product, (ahead - behind) / (2 * h), rtol=1e-7, atol=1e-8)  # h^2, and rounding over h
    dense = jacobian.dense(torch.eye(10))
    flat = torch.cat([step[name].flatten() for name in params])
    assert torch.allclose(dense @ flat, product, rtol=1e-12)
    largest = torch.linalg.svdvals(dense)[0].item()
    assert 0.8 * largest < jacobian.norm(generator) <= largest * (1 + 1e-12)
