"""Nothing is missed: the null space of the parameter Jacobian is what was detected, on the project's own models."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from experiments.models import Decoder, DecoderConfig, ViT, ViTConfig, generic_, mlp
from symmetries import audit, detect

Make = Callable[[torch.Generator], tuple[nn.Module, Tensor]]


def tiny_vit(draws: torch.Generator) -> tuple[nn.Module, Tensor]:
    model = ViT(ViTConfig(image=4, dim=4, depth=2, heads=2, hidden=5, classes=3), draws)
    return model, model.example_inputs(draws, batch=400)


def tiny_decoder(draws: torch.Generator) -> tuple[nn.Module, Tensor]:
    """Every token must be read, and the first layer see more tokens than its null space has dimensions."""
    config = DecoderConfig(vocabulary=61, dim=4, depth=2, heads=2, kv_heads=1, head_dim=4, hidden=5)
    model = Decoder(config, draws)
    return model, model.example_inputs(draws, batch=60, length=12)


MODELS: dict[str, Make] = {
    # inputs far out, so that every unit switches: one that does not is linear, and has directions of its own
    "leaky MLP": lambda d: (mlp((4, 6, 3), nn.LeakyReLU, generator=d), 5.0 * torch.randn(200, 4, generator=d)),
    "ViT": tiny_vit,
    "decoder": tiny_decoder,
}


@pytest.mark.parametrize("head", ["raw", "softmax"])
@pytest.mark.parametrize("name", MODELS)
def test_null_space_is_what_was_detected(name: str, head: str) -> None:
    draws = torch.Generator().manual_seed(0)
    model, inputs = MODELS[name](draws)
    generic_(model, draws)
    model = model.double().eval()
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    symmetry = detect(model, inputs[:2], head=head)  # type: ignore[arg-type]
    found = audit(model, symmetry, inputs, generator=draws)
    assert found.nullity == found.declared == symmetry.dimension > 0
    assert found.unexplained == found.inert == 0
    assert found.vertical_defect < 1e-12
