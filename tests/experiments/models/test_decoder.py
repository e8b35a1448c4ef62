import pytest
import torch

from experiments.models import Decoder, DecoderConfig, rotary


@pytest.fixture
def model(generator: torch.Generator) -> Decoder:
    return Decoder(DecoderConfig(), generator).double()


def test_logits_have_one_row_for_each_token(model: Decoder, generator: torch.Generator) -> None:
    assert model(model.example_inputs(generator, batch=3, length=5)).shape == (3, 5, 64)


def test_a_position_does_not_see_what_follows(model: Decoder, generator: torch.Generator) -> None:
    tokens = model.example_inputs(generator, length=8)
    changed = tokens.clone()
    changed[:, 5:] = (changed[:, 5:] + 1) % 64
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :5], after[:, :5], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_scores_under_rope_depend_on_relative_positions_only(generator: torch.Generator) -> None:
    q, k = torch.randn(2, 6, 8, generator=generator, dtype=torch.float64)
    scores = rotary(q) @ rotary(k).mT
    shifted = rotary(q, offset=1000) @ rotary(k, offset=1000).mT
    # cos and sin of angles near 1000 carry an absolute error of 1000 eps.
    torch.testing.assert_close(scores, shifted, rtol=0, atol=1e-11)


def test_rope_keeps_lengths_and_pairs_channels_by_halves(generator: torch.Generator) -> None:
    x = torch.randn(5, 8, generator=generator, dtype=torch.float64)
    turned = rotary(x)
    before, after = (torch.complex(*value.chunk(2, dim=-1)) for value in (x, turned))
    torch.testing.assert_close(before.abs(), after.abs(), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(turned[0], x[0], rtol=0, atol=0)
    torch.testing.assert_close((after / before)[1, 0], torch.tensor(1j, dtype=after.dtype).exp())


def test_rope_keeps_double_precision(generator: torch.Generator) -> None:
    assert rotary(torch.randn(3, 4, generator=generator, dtype=torch.float64)).dtype == torch.float64


def test_neighbouring_query_heads_share_a_key_value_head(model: Decoder, generator: torch.Generator) -> None:
    attention = model.layers[0].self_attn
    stream = torch.randn(2, 6, 32, generator=generator, dtype=torch.float64)
    before = attention(stream)
    attention.o_proj.weight.data[:, 16:] = 0.0  # read query heads 0 and 1 only
    first = attention(stream)
    attention.v_proj.weight.data[8:] += 1.0  # the second key-value head
    torch.testing.assert_close(attention(stream), first, rtol=0, atol=0)
    assert not torch.allclose(before, first)


@pytest.mark.parametrize("tied", [False, True])
def test_tying_makes_the_head_and_the_embedding_one_parameter(tied: bool) -> None:
    names = dict(Decoder(DecoderConfig(tied=tied)).named_parameters())
    assert "embed_tokens.weight" in names
    assert ("lm_head.weight" in names) is not tied


@pytest.mark.parametrize("sizes", [{"heads": 3}, {"head_dim": 7}])
def test_sizes_that_do_not_fit_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        DecoderConfig(**sizes)
