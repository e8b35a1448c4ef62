"""Decoders whose blocks differ from those of GPT-2 and Llama: parallel branches, partial rotary embeddings, biases."""

from typing import Any

import torch
from torch import Generator

from .hugging_face import causal
from .specimen import Arguments, Specimen

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


def tokens(generator: Generator, count: int) -> Arguments:
    """Uniform tokens."""
    return {"input_ids": torch.randint(_VOCABULARY, (count, 6), generator=generator)}


SPECIMENS = (
    Specimen(
        "GPT-NeoX",
        causal("GPTNeoXForCausalLM", **_SIZES, rotary_pct=0.5),
        tokens,
        {"raw": 392},
        scales=1,
    ),
    Specimen("Phi", causal("PhiForCausalLM", **_SIZES, partial_rotary_factor=0.5), tokens, {"raw": 421}, scales=1),
    Specimen("GPT-J", causal("GPTJForCausalLM", **_GPT_J), tokens, {"raw": 357}, scales=1),
    Specimen(
        "StableLM",
        causal("StableLmForCausalLM", **_SIZES, num_key_value_heads=2, partial_rotary_factor=0.5),
        tokens,
        {},
        scales=1,
    ),
    Specimen("Falcon", causal("FalconForCausalLM", **_SIZES, ffn_hidden_size=9), tokens, {"raw": 204}, scales=1),
)
