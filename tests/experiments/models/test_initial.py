from collections.abc import Callable

import pytest
import torch
from torch import nn

from experiments.models import Decoder, DiagonalNet, ViT, conv_net, generic_, lora_mlp, mlp, settle_statistics_

MODELS: dict[str, Callable[[torch.Generator], nn.Module]] = {
    "vit": lambda g: ViT(generator=g),
    "decoder": lambda g: Decoder(generator=g),
    "lora": lambda g: lora_mlp([4, 3, 2], rank=1, generator=g),
    "mlp": lambda g: mlp([4, 3, 2], generator=g),
    "conv": lambda g: conv_net(generator=g),
    "diagonal": lambda g: DiagonalNet(4, g),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_initial_values_depend_on_the_generator_alone(make: Callable[[torch.Generator], nn.Module]) -> None:
    first, second = (make(torch.Generator().manual_seed(3)).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_linear_layers_start_by_the_rule_of_torch(generator: torch.Generator) -> None:
    weight = mlp([64, 500, 2], generator=generator)[0].weight
    assert weight.abs().max() <= 1 / 8
    assert weight.std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.02)


def test_generic_parameters_are_neither_zero_nor_one(generator: torch.Generator) -> None:
    model = ViT(generator=generator)
    generic_(model, generator)
    assert all(bool((p != 0).all() and (p != 1).all()) for p in model.parameters())


def test_frozen_parameters_stay_put(generator: torch.Generator) -> None:
    model = lora_mlp([4, 3], rank=1, generator=generator)
    before = model[0].base.weight.clone()
    generic_(model, generator)
    assert torch.equal(model[0].base.weight, before)


def test_settled_statistics_are_those_of_the_batch(generator: torch.Generator) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).double()
    generic_(model, generator)
    x = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    settle_statistics_(model, x)
    normalized = (model(x) - model[1].bias) / model[1].weight
    assert not model[1].training
    assert model[1].momentum == 0.1
    torch.testing.assert_close(normalized.mean(0), torch.zeros(4, dtype=torch.float64))
    torch.testing.assert_close(normalized.std(0), torch.ones(4, dtype=torch.float64), rtol=1e-4, atol=0)  # eps
