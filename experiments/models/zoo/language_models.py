"""Decoders of text in the manner of GPT-2 and of Llama."""

from collections.abc import Callable
from typing import Any

from torch import nn

from . import published, tiny
from .examples import masked_text_on
from .hugging_face import LOGITS, UNTIED, causal, model, tokens
from .specimen import RealSize, Specimen


def decoder(name: str, /, **sizes: Any) -> Callable[[], nn.Module]:
    """A tiny one of the Llama family."""
    return causal(name, **{**tiny.DECODER, **sizes})


_TIED: dict[str, Any] = {"tie_word_embeddings": True}

SPECIMENS = (
    Specimen(
        "GPT-2",
        model("GPT2LMHeadModel", "GPT2Config", use_cache=False, **tiny.GPT),
        tokens(),
        {"raw": 333, "softmax": 341},
        heads=LOGITS,
        sizes=(
            RealSize(
                "GPT-2 124M",
                model("GPT2LMHeadModel", "GPT2Config", use_cache=False),
                masked_text_on,
                {"raw": 1_346_584, "softmax": 1_347_352},
            ),
        ),
        scales=1,
    ),
    Specimen(
        "GPT-2, untied",
        model("GPT2LMHeadModel", "GPT2Config", use_cache=False, **UNTIED, **tiny.GPT),
        tokens(),
        {"raw": 388, "softmax": 396},
        heads=LOGITS,
        scales=1,
    ),
    Specimen(
        "Llama",
        decoder("LlamaForCausalLM", **UNTIED),
        tokens(),
        {"raw": 166, "softmax": 174},
        heads=LOGITS,
        sizes=(
            RealSize(
                "Llama-3-8B", causal("LlamaForCausalLM", **published.LLAMA_8B), masked_text_on, {"raw": 13_338_624}
            ),
        ),
        scales=1,
    ),
    Specimen(
        "Llama, tied",
        decoder("LlamaForCausalLM", **_TIED),
        tokens(),
        {"raw": 130, "softmax": 130},
        heads=LOGITS,
        sizes=(
            RealSize(
                "Llama-3.2-1B", causal("LlamaForCausalLM", **published.LLAMA_1B), masked_text_on, {"raw": 729_088}
            ),
        ),
        scales=1,
    ),
    Specimen(
        "Llama, attention biases",
        decoder("LlamaForCausalLM", attention_bias=True, **UNTIED),
        tokens(),
        {"raw": 182},
        heads=LOGITS,
        scales=1,
    ),
    Specimen(
        "Mistral",
        decoder("MistralForCausalLM", sliding_window=3, **UNTIED),
        tokens(),
        {"raw": 166},
        heads=LOGITS,
        sizes=(
            RealSize(
                "Mistral-7B", causal("MistralForCausalLM", **published.MISTRAL_7B), masked_text_on, {"raw": 13_338_624}
            ),
        ),
        scales=1,
    ),
    Specimen(
        "Qwen2",
        decoder("Qwen2ForCausalLM", **UNTIED),
        tokens(),
        {"raw": 166},
        heads=LOGITS,
        sizes=(
            RealSize("Qwen2-0.5B", causal("Qwen2ForCausalLM", **published.QWEN2), masked_text_on, {"raw": 359_424}),
        ),
        scales=1,
    ),
    Specimen(
        "Qwen3",
        decoder("Qwen3ForCausalLM", **UNTIED),
        tokens(),
        {"raw": 154, "softmax": 162},
        heads=LOGITS,
        sizes=(
            RealSize("Qwen3-0.6B", causal("Qwen3ForCausalLM", **published.QWEN3), masked_text_on, {"raw": 3_815_168}),
        ),
        scales=13,
    ),
    Specimen(
        "Gemma 2",
        decoder("Gemma2ForCausalLM", query_pre_attn_scalar=4, **_TIED),
        tokens(),
        {"raw": 130},
        heads=LOGITS,
        sizes=(
            RealSize("Gemma-2-2B", causal("Gemma2ForCausalLM", **published.GEMMA2), masked_text_on, {"raw": 7_201_792}),
        ),
        scales=5,
    ),
    Specimen(
        "Gemma 3",
        decoder("Gemma3ForCausalLM", query_pre_attn_scalar=4, **_TIED),
        tokens(),
        {"raw": 118},
        heads=LOGITS,
        scales=17,
    ),
    Specimen(
        "Phi-3",
        decoder("Phi3ForCausalLM", **UNTIED),
        tokens(),
        {"raw": 166},
        heads=LOGITS,
        sizes=(
            RealSize(
                "Phi-3-mini",
                causal("Phi3ForCausalLM", pad_token_id=0, **published.PHI3),
                masked_text_on,
                {"raw": 14_714_368},
            ),
        ),
        scales=1,
    ),
)
