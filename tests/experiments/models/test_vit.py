import pytest
import torch

from experiments.models import ViT, ViTConfig


@pytest.fixture
def model(generator: torch.Generator) -> ViT:
    return ViT(ViTConfig(), generator).double()


def test_logits_have_one_row_for_each_image(model: ViT, generator: torch.Generator) -> None:
    assert model(model.example_inputs(generator, batch=5)).shape == (5, 10)


def test_images_of_a_batch_do_not_see_each_other(model: ViT, generator: torch.Generator) -> None:
    images = model.example_inputs(generator, batch=3)
    torch.testing.assert_close(model(images)[1:2], model(images[1:2]), rtol=1e-12, atol=1e-12)


def test_attention_is_the_softmax_average_of_values(model: ViT, generator: torch.Generator) -> None:
    attention, heads, h = model.blocks[0].attn, 4, 8
    tokens = torch.randn(2, 7, 32, generator=generator, dtype=torch.float64)
    query, key, value = attention.qkv(tokens).chunk(3, dim=-1)
    mixed = []
    for head in range(heads):
        q, k, v = (x[..., head * h : (head + 1) * h] for x in (query, key, value))
        mixed.append((q @ k.mT / h**0.5).softmax(-1) @ v)
    torch.testing.assert_close(attention(tokens), attention.proj(torch.cat(mixed, -1)), rtol=1e-12, atol=1e-12)


def test_the_position_embedding_tells_patches_apart(model: ViT, generator: torch.Generator) -> None:
    images = model.example_inputs(generator)
    assert not torch.allclose(model(images), model(images.flip(-1)))


@pytest.mark.parametrize("sizes", [{"image": 9}, {"dim": 30}])
def test_sizes_that_do_not_divide_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="got|do not tile"):
        ViTConfig(**sizes)
