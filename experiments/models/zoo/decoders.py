"""Decoders whose blocks differ from those of GPT-2 and Llama: parallel branches, partial rotary embeddings, biases."""

from typing import Any

import torch
from torch import Generator

from . import published
from .examples import masked_text_on
from .hugging_face import causal
from .specimen import Arguments, RealSize, Specimen

#: Attention and MLP of the first block read the embeddings themselves: a smaller vocabulary spans too little.
_VOCABULARY = 61
_SIZES: dict[str, Any] = {
    "vocab_size": _VOCABULARY,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 9,
    "max_position_embeddings": 16,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "tie_word_embeddings": False,
}
_GPT_J: dict[str, Any] = {
    "vocab_size": _VOCABULARY,
    "n_embd": 8,
    "n_layer": 2,
    "n_head": 2,
    "n_inner": 9,
    "n_positions": 16,
    "rotary_dim": 2,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "tie_word_embeddings": False,
}
_LATENT: dict[str, Any] = {
    "q_lora_rank": 5,
    "kv_lora_rank": 6,
    "qk_nope_head_dim": 4,
    "qk_rope_head_dim": 4,
    "v_head_dim": 4,
    "first_k_dense_replace": 2,
}


def tokens(generator: Generator, count: int) -> Arguments:
    """Uniform tokens."""
    return {"input_ids": torch.randint(_VOCABULARY, (count, 6), generator=generator)}


SPECIMENS = (
    Specimen(
        "GPT-NeoX",
        causal("GPTNeoXForCausalLM", **_SIZES, rotary_pct=0.5),
        tokens,
        {"raw": 392},
        sizes=(
            RealSize(
                "Pythia-160M", causal("GPTNeoXForCausalLM", **published.PYTHIA), masked_text_on, {"raw": 1_442_317}
            ),
        ),
        scales=1,
    ),
    Specimen(
        "Phi",
        causal("PhiForCausalLM", **{**_SIZES, "hidden_size": 12}, partial_rotary_factor=0.67),
        tokens,
        {"raw": 615},
        scales=1,
    ),
    Specimen("GPT-J", causal("GPTJForCausalLM", **_GPT_J), tokens, {"raw": 357}, scales=1),
    Specimen(
        "StableLM",
        causal("StableLmForCausalLM", **_SIZES, num_key_value_heads=2, partial_rotary_factor=0.5),
        tokens,
        {},
        scales=1,
    ),
    Specimen(
        "Nemotron",
        causal("NemotronForCausalLM", **_SIZES, num_key_value_heads=2, partial_rotary_factor=0.5),
        tokens,
        {},
        scales=1,
    ),
    Specimen("Falcon", causal("FalconForCausalLM", **_SIZES, ffn_hidden_size=9), tokens, {"raw": 204}, scales=1),
    Specimen("DeepSeek-V2", causal("DeepseekV2ForCausalLM", **_SIZES, **_LATENT), tokens, {"raw": 294}, scales=5),
    Specimen("DeepSeek-V3", causal("DeepseekV3ForCausalLM", **_SIZES, **_LATENT), tokens, {"raw": 294}, scales=5),
)
