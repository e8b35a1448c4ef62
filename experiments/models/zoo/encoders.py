"""Models of transformers that encode text, images, or both, and T5, which decodes what it encodes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, nn

from . import published, tiny
from .examples import image_and_text_on, image_on, long_texts_on, text_on
from .hugging_face import LOGITS, UNTIED, model, tokens
from .specimen import Arguments, RealSize, Specimen


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
        heads=LOGITS,
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
        heads=LOGITS,
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
        "ViT",
        model(
            "ViTForImageClassification", "ViTConfig", num_channels=tiny.CHANNELS, num_labels=tiny.CLASSES, **tiny.VISION
        ),
        images,
        {"raw": 409, "softmax": 417},
        heads=LOGITS,
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
        heads=LOGITS,
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
            model("T5ForConditionalGeneration", "T5Config", feed_forward_proj="gated-gelu", **UNTIED, **tiny.T5),
        ),
        two_texts,
        {"raw": 550, "softmax": 558},
        heads=LOGITS,
        audited=30,
        scales=1,
    ),
)
