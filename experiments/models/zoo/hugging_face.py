"""Models of the library transformers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, nn

from . import published, tiny
from .examples import image_and_text_on, image_on, long_texts_on, masked_text_on, text_on
from .optional import library
from .specimen import Arguments, Head, RealSize, Specimen

Inputs = Callable[[Generator, int], Arguments]


def model(
    name: str, config: str, /, *, keywords: dict[str, Any] | None = None, **sizes: Any
) -> Callable[[], nn.Module]:
    """How to build ``transformers.<name>`` from ``transformers.<config>`` of these sizes."""

    def build() -> nn.Module:
        transformers = library("transformers")
        return getattr(transformers, name)(getattr(transformers, config)(**sizes), **(keywords or {}))

    return build


def untied(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """The same with a head of its own: some configurations tie it whatever they are told."""

    def built() -> nn.Module:
        made = build()
        head: Any = made.lm_head
        head.weight = nn.Parameter(head.weight.detach().clone())
        return made

    return built


def distilled() -> nn.Module:
    """The eps of its norms, 1e-12 whatever the configuration, would hide: scales would pass for exact."""
    made = model("DistilBertModel", "DistilBertConfig", **tiny.DISTILLED)()
    for module in made.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-5
    return made


def clip() -> nn.Module:
    """Both towers: text and image."""
    text = {**tiny.ENCODER, "eos_token_id": tiny.VOCABULARY - 1, "bos_token_id": 0, "pad_token_id": 1}
    vision = {**tiny.VISION, "num_channels": 3}
    return model("CLIPModel", "CLIPConfig", text_config=text, vision_config=vision, projection_dim=8)()


def tokens(low: int = 0, length: int = tiny.POSITIONS) -> Inputs:
    """Uniform tokens from ``low`` on."""

    def draw(generator: Generator, count: int) -> Arguments:
        return {"input_ids": torch.randint(low, tiny.VOCABULARY, (count, length), generator=generator)}

    return draw


def typed_tokens(generator: Generator, count: int) -> Arguments:
    """Uniform tokens of both types."""
    types = torch.randint(0, 2, (count, tiny.POSITIONS), generator=generator)
    return {**tokens()(generator, count), "token_type_ids": types}


def images(generator: Generator, count: int) -> Arguments:
    """Gaussian images."""
    shape = (count, tiny.CHANNELS, tiny.IMAGE, tiny.IMAGE)
    return {"pixel_values": 2.0 * torch.randn(shape, generator=generator, dtype=torch.float64)}


def images_and_texts(generator: Generator, count: int) -> Arguments:
    """Texts that end, anywhere but at the start, in the token that CLIP reads."""
    texts = torch.randint(0, tiny.VOCABULARY - 1, (count, tiny.POSITIONS), generator=generator)
    ends = torch.randint(1, tiny.POSITIONS, (count,), generator=generator)
    texts[torch.arange(count), ends] = tiny.VOCABULARY - 1
    shape = (count, 3, tiny.IMAGE, tiny.IMAGE)
    return {"input_ids": texts, "pixel_values": 2.0 * torch.randn(shape, generator=generator, dtype=torch.float64)}


def two_texts(generator: Generator, count: int) -> Arguments:
    """Long enough for every bucket of relative positions."""
    draws = torch.randint(0, tiny.VOCABULARY, (count, 30), generator=generator)
    return {"input_ids": draws[:, :15], "decoder_input_ids": draws[:, 15:]}


def causal(name: str, /, **sizes: Any) -> Callable[[], nn.Module]:
    """A decoder whose configuration has the name of its family."""
    family = name.removesuffix("ForCausalLM")
    config = {"Gemma3": "Gemma3TextConfig"}.get(family, f"{family}Config")
    return model(name, config, use_cache=False, **sizes)


def decoder(name: str, /, **sizes: Any) -> Callable[[], nn.Module]:
    """A tiny one of the Llama family."""
    return causal(name, **{**tiny.DECODER, **sizes})


_TIED: dict[str, Any] = {"tie_word_embeddings": True}
_UNTIED: dict[str, Any] = {"tie_word_embeddings": False}
_LOGITS: tuple[Head, ...] = ("raw", "softmax")
_POOLER: dict[str, Any] = {"add_pooling_layer": False}

SPECIMENS = (
    Specimen(
        "BERT",
        model("BertModel", "BertConfig", keywords=_POOLER, **tiny.ENCODER),
        typed_tokens,
        {"raw": 328},
        sizes=(RealSize("BERT-base", model("BertModel", "BertConfig", keywords=_POOLER), text_on, {"raw": 1_359_698}),),
        scales=5,
    ),
    Specimen(
        "BERT, masked language model",
        model("BertForMaskedLM", "BertConfig", **tiny.ENCODER),
        typed_tokens,
        {"raw": 343, "softmax": 351},
        heads=_LOGITS,
        sizes=(
            RealSize(
                "BERT-base, masked language model",
                model("BertForMaskedLM", "BertConfig"),
                text_on,
                {"softmax": 1_332_250},
            ),
        ),
        scales=5,
    ),
    Specimen(
        "BERT, classifier",
        model("BertForSequenceClassification", "BertConfig", num_labels=tiny.CLASSES, **tiny.ENCODER),
        typed_tokens,
        {"raw": 352},
        heads=_LOGITS,
        audited=400,
        scales=5,
    ),
    Specimen(
        "DistilBERT",
        distilled,
        tokens(),
        {},
        sizes=(RealSize("DistilBERT-base", model("DistilBertModel", "DistilBertConfig"), text_on),),
        scales=5,
    ),
    Specimen(
        "RoBERTa",
        model("RobertaModel", "RobertaConfig", keywords=_POOLER, **{**tiny.ENCODER, "max_position_embeddings": 7}),
        tokens(low=2),
        {},
        sizes=(
            RealSize(
                "RoBERTa-base", model("RobertaModel", "RobertaConfig", keywords=_POOLER, **published.ROBERTA), text_on
            ),
        ),
        scales=5,
    ),
    Specimen(
        "GPT-2",
        model("GPT2LMHeadModel", "GPT2Config", use_cache=False, **tiny.GPT),
        tokens(),
        {"raw": 333, "softmax": 341},
        heads=_LOGITS,
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
        model("GPT2LMHeadModel", "GPT2Config", use_cache=False, **_UNTIED, **tiny.GPT),
        tokens(),
        {"raw": 388, "softmax": 396},
        heads=_LOGITS,
        scales=1,
    ),
    Specimen(
        "ViT",
        model(
            "ViTForImageClassification", "ViTConfig", num_channels=tiny.CHANNELS, num_labels=tiny.CLASSES, **tiny.VISION
        ),
        images,
        {"raw": 409, "softmax": 417},
        heads=_LOGITS,
        audited=400,
        sizes=(
            RealSize(
                "ViT-B/16",
                model("ViTForImageClassification", "ViTConfig", num_labels=1000),
                image_on,
                {"raw": 1_644_358},
            ),
        ),
        scales=1,
    ),
    Specimen(
        "CLIP",
        clip,
        images_and_texts,
        {"raw": 789},  # towers 656, text 60, image 43, projections 30
        audited=240,
        sizes=(RealSize("CLIP ViT-B/32", model("CLIPModel", "CLIPConfig"), image_and_text_on),),
    ),
    Specimen(
        "T5 1.0",
        model("T5ForConditionalGeneration", "T5Config", **tiny.T5),
        two_texts,
        {"raw": 514, "softmax": 514},
        heads=_LOGITS,
        audited=30,
        sizes=(
            RealSize(
                "T5-base",
                model("T5ForConditionalGeneration", "T5Config", **published.T5_BASE),
                long_texts_on,
                {"raw": 3_659_556},
            ),
        ),
        scales=1,
    ),
    Specimen(
        "T5 1.1, untied",
        untied(
            model("T5ForConditionalGeneration", "T5Config", feed_forward_proj="gated-gelu", **_UNTIED, **tiny.T5),
        ),
        two_texts,
        {"raw": 550, "softmax": 558},
        heads=_LOGITS,
        audited=30,
        scales=1,
    ),
    Specimen(
        "Llama",
        decoder("LlamaForCausalLM", **_UNTIED),
        tokens(),
        {"raw": 166, "softmax": 174},
        heads=_LOGITS,
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
        heads=_LOGITS,
        sizes=(
            RealSize(
                "Llama-3.2-1B", causal("LlamaForCausalLM", **published.LLAMA_1B), masked_text_on, {"raw": 729_088}
            ),
        ),
        scales=1,
    ),
    Specimen(
        "Llama, attention biases",
        decoder("LlamaForCausalLM", attention_bias=True, **_UNTIED),
        tokens(),
        {"raw": 182},
        heads=_LOGITS,
        scales=1,
    ),
    Specimen(
        "Mistral",
        decoder("MistralForCausalLM", sliding_window=3, **_UNTIED),
        tokens(),
        {"raw": 166},
        heads=_LOGITS,
        sizes=(
            RealSize(
                "Mistral-7B", causal("MistralForCausalLM", **published.MISTRAL_7B), masked_text_on, {"raw": 13_338_624}
            ),
        ),
        scales=1,
    ),
    Specimen(
        "Qwen2",
        decoder("Qwen2ForCausalLM", **_UNTIED),
        tokens(),
        {"raw": 166},
        heads=_LOGITS,
        sizes=(
            RealSize("Qwen2-0.5B", causal("Qwen2ForCausalLM", **published.QWEN2), masked_text_on, {"raw": 359_424}),
        ),
        scales=1,
    ),
    Specimen(
        "Qwen3",
        decoder("Qwen3ForCausalLM", **_UNTIED),
        tokens(),
        {"raw": 154, "softmax": 162},
        heads=_LOGITS,
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
        heads=_LOGITS,
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
        heads=_LOGITS,
        scales=17,
    ),
    Specimen(
        "Phi-3",
        decoder("Phi3ForCausalLM", **_UNTIED),
        tokens(),
        {"raw": 166},
        heads=_LOGITS,
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
