"""Models of the library timm."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Generator, nn

from .optional import library
from .specimen import Arguments, Head, RealSize, Specimen


def vision_transformer(**options: Any) -> Callable[[], nn.Module]:
    """Two blocks of width 8, two heads of 4, nine hidden units, on images of four patches."""

    def build() -> nn.Module:
        return library("timm.models.vision_transformer").VisionTransformer(
            img_size=4,
            patch_size=2,
            in_chans=4,
            num_classes=7,
            embed_dim=8,
            depth=2,
            num_heads=2,
            mlp_ratio=9 / 8,
            **options,
        )

    return build


def named(name: str) -> Callable[[], nn.Module]:
    """A model of timm by its name."""
    return lambda: library("timm").create_model(name)


def image_on(device: torch.device) -> Arguments:
    """One image of 224 by 224."""
    return {"x": torch.ones(1, 3, 224, 224, device=device)}


def size(name: str, **dimension: int) -> tuple[RealSize, ...]:
    """The published size of a model of timm, with the dimension of its group by head where it was worked out."""
    return (RealSize(name, named(name), image_on, cast("dict[Head, int]", dimension)),)


def images(channels: int, size: int) -> Callable[[Generator, int], Arguments]:
    """Gaussian images."""

    def draw(generator: Generator, count: int) -> Arguments:
        return {"x": 2.0 * torch.randn(count, channels, size, size, generator=generator, dtype=torch.float64)}

    return draw


LOGITS: tuple[Head, ...] = ("raw", "softmax")

SPECIMENS = (
    Specimen(
        "timm ViT",
        vision_transformer(),
        images(4, 4),
        {"raw": 409, "softmax": 417},
        LOGITS,
        audited=400,
        sizes=size("vit_base_patch16_224"),
        scales=1,
    ),
    Specimen(
        "timm ViT, layer scale",
        vision_transformer(init_values=0.5),
        images(4, 4),
        {"raw": 441},
        LOGITS,
        audited=400,
        sizes=size("deit3_base_patch16_224"),
        scales=1,
    ),
    Specimen(
        "timm ViT, qk-norm",
        vision_transformer(qk_norm=True),
        images(4, 4),
        {"raw": 413},
        LOGITS,
        audited=400,
        scales=9,
    ),
    Specimen(
        "timm ViT, norm of the patches",
        vision_transformer(pre_norm=True),
        images(4, 4),
        {"raw": 382},
        audited=400,
        sizes=size("vit_base_patch16_clip_224"),
        scales=2,
    ),
    Specimen(
        "timm ViT, no qkv bias",
        vision_transformer(qkv_bias=False),
        images(4, 4),
        {"raw": 361},
        LOGITS,
        audited=400,
        scales=1,
    ),
)
