import pytest
import torch

from experiments.models import LoRALinear, lora_mlp


def test_an_adapter_starts_as_the_frozen_layer(generator: torch.Generator) -> None:
    layer = LoRALinear(6, 4, rank=2, generator=generator)
    x = torch.randn(3, 6, generator=generator)
    assert torch.equal(layer(x), layer.base(x))


def test_an_adapter_adds_the_scaled_product_to_the_weight(generator: torch.Generator) -> None:
    layer = LoRALinear(6, 4, rank=2, alpha=6.0, generic=True, generator=generator).double()
    x = torch.randn(3, 6, generator=generator, dtype=torch.float64)
    weight = layer.base.weight + 3.0 * layer.lora_B @ layer.lora_A
    torch.testing.assert_close(layer(x), x @ weight.T + layer.base.bias, rtol=1e-12, atol=1e-12)


def test_only_the_pairs_are_trainable(generator: torch.Generator) -> None:
    model = lora_mlp([6, 5, 3], rank=2, generator=generator)
    trainable = {name.split(".")[-1] for name, p in model.named_parameters() if p.requires_grad}
    assert trainable == {"lora_A", "lora_B"}
    assert model(torch.randn(7, 6, generator=generator)).shape == (7, 3)


@pytest.mark.parametrize("rank", [0, 5])
def test_a_rank_that_the_layer_cannot_have_is_refused(rank: int) -> None:
    with pytest.raises(ValueError, match=r"rank must lie in 1 \.\. 4"):
        LoRALinear(6, 4, rank=rank)
