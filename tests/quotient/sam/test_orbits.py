"""Training along orbits: two representatives of one function."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quotient import Adaptive, Euclidean, Exact, Mixed, Quotient, RiemannianSAM, Taylor
from symmetries import declare, lora_pair
from tests.quotient.sam.models import ADAM, ADAMW, SGD, Adapter, Data, assert_same, closure_of, train, values

pytestmark = pytest.mark.usefixtures("float64")

METRICS = {
    "invariant": Quotient,
    "mixed": partial(Quotient, metric=Mixed(), geodesic=Taylor(2), rest="tensorwise"),
}


def losses_of(models: tuple[nn.Module, ...], data: Data, steps: int, **options: object) -> list[Tensor]:
    runs = []
    for model in models:
        optimizer = RiemannianSAM(model.named_parameters(), **options)  # type: ignore[arg-type]
        runs.append(torch.tensor(train(model, optimizer, data, steps)))
    return runs


RULES = {
    "heavy ball": (SGD, {"lr": 0.02, "momentum": 0.9}),
    "descent": (SGD, {"lr": 0.02}),
    "Adam": (ADAM, {"lr": 0.01}),
    "AdamW": (ADAMW, {"lr": 0.01, "weight_decay": 0.1}),
    "transported": (SGD, {"lr": 0.02, "momentum": 0.9, "transport": "differential"}),
}


@pytest.mark.parametrize(
    ("metric", "rule", "steps"),
    [
        ("invariant", "heavy ball", 50),
        ("invariant", "Adam", 50),
        *(
            pytest.param(metric, rule, 100, marks=pytest.mark.slow)
            for metric, rules in {"invariant": list(RULES), "mixed": ["descent", "Adam"]}.items()
            for rule in rules
        ),
    ],
)
def test_two_starts_on_one_orbit_give_the_same_losses(metric, rule, steps, orbit, data):
    symmetry, *models = orbit
    base, options = RULES[rule]
    geometry = METRICS[metric](symmetry)
    one, other = losses_of(models, data, steps, geometry=geometry, base_optimizer=base, mode="riemannian", **options)
    assert (one - other).abs().max() < 1e-8
    assert one[-1] < one[0]


@pytest.mark.parametrize("base", [SGD, ADAMW])
@pytest.mark.parametrize("geometry", [Euclidean(), Adaptive()])
def test_sam_and_asam_give_other_losses_on_the_same_orbit(base, geometry, orbit, data):
    _, *models = orbit
    one, other = losses_of(models, data, 20, geometry=geometry, base_optimizer=base, lr=0.02)
    assert (one[0] - other[0]).abs() < 1e-10
    assert (one - other).abs().max() > 1e-3


def test_plain_adamw_gives_other_losses_on_the_same_orbit(orbit, data):
    _, *models = orbit
    one, other = (torch.tensor(train(m, ADAMW(m.parameters(), lr=0.02), data, 20)) for m in models)
    assert (one - other).abs().max() > 1e-3


def test_the_loss_at_the_perturbed_point_does_not_depend_on_the_representative(orbit, data):
    symmetry, *models = orbit
    perturbed = {}
    for geometry in (Quotient(symmetry), Euclidean()):
        losses = []
        for model in models:
            optimizer = RiemannianSAM(model.named_parameters(), geometry, ADAMW, radius=0.3)
            closure_of(model, optimizer, data)()
            with optimizer.perturbed():
                losses.append(F.cross_entropy(model(data[0]), data[1]).item())
        perturbed[type(geometry)] = losses[0] - losses[1]
    assert abs(perturbed[Quotient]) < 1e-10
    assert abs(perturbed[Euclidean]) > 1e-4


def test_the_run_starts_at_the_representative_and_the_function_is_the_same(orbit, data):
    symmetry, _, model = orbit
    before, outputs = values(model), model(data[0]).detach()
    optimizer = RiemannianSAM(model.named_parameters(), Quotient(symmetry), SGD, mode="riemannian", lr=0.1)
    assert_same(values(model), before)
    closure_of(model, optimizer, data)()
    with pytest.raises(RuntimeError, match="to_representative"):
        optimizer.first_step()
    optimizer.to_representative()
    assert any(not torch.equal(a, b) for a, b in zip(values(model), before, strict=True))
    torch.testing.assert_close(model(data[0]), outputs)
    there = values(model)
    optimizer.to_representative()
    assert_same(values(model), there)


def test_rank_deficient_heads_are_named_and_nothing_is_changed(data):
    model = Adapter()
    nn.init.zeros_(model.lora_B)
    geometry = Quotient(declare(model, lora_pair("lora_A", "lora_B")), geodesic=Exact())
    optimizer = RiemannianSAM(model.named_parameters(), geometry, ADAMW)
    before = values(model)
    with pytest.raises(ValueError, match="rank") as caught:
        optimizer.step(closure_of(model, optimizer, data))
    assert any("RiemannianSAM" in note for note in caught.value.__notes__)
    assert_same(values(model), before)
