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


def resnet(block: str, channels: tuple[int, ...]) -> Callable[[], nn.Module]:
    """The stem of three convolutions and two stages of one block, each with a projection on the skip.

    The library builds four stages; two have every kind of layer, and are audited in seconds.
    """

    def build() -> nn.Module:
        resnet = library("timm.models.resnet")
        model: Any = resnet.ResNet(
            getattr(resnet, block),
            (1, 1, 1, 1),
            num_classes=3,
            in_chans=2,
            channels=channels,
            stem_width=2,
            stem_type="deep",
        )
        model.layer3 = model.layer4 = nn.Identity()
        return cast("nn.Module", model)

    return build


def convnext() -> nn.Module:
    """The first two of four stages, of one block each: the second with a downsampling convolution before it."""
    convnext = library("timm.models.convnext")
    model: Any = convnext.ConvNeXt(in_chans=2, num_classes=3, depths=(1, 1, 1, 1), dims=(4, 6, 6, 6), kernel_sizes=3)
    model.stages = model.stages[:2]
    return cast("nn.Module", model)


def named(name: str) -> Callable[[], nn.Module]:
    """A model of timm by its name."""
    return lambda: library("timm").create_model(name)


def image_on(device: torch.device) -> Arguments:
    """One image of 224 by 224."""
    return {"x": torch.ones(1, 3, 224, 224, device=device)}


def size(name: str) -> tuple[RealSize, ...]:
    """The published size of a model of timm."""
    return (RealSize(name, named(name), image_on),)


def images(channels: int, size: int) -> Callable[[Generator, int], Arguments]:
    """Gaussian images."""

    def draw(generator: Generator, count: int) -> Arguments:
        return {"x": 2.0 * torch.randn(count, channels, size, size, generator=generator, dtype=torch.float64)}

    return draw


_LOGITS: tuple[Head, ...] = ("raw", "softmax")

SPECIMENS = (
    Specimen(
        "timm ViT",
        vision_transformer(),
        images(4, 4),
        {"raw": 409, "softmax": 417},
        _LOGITS,
        audited=400,
        sizes=size("vit_base_patch16_224"),
        scales=1,
    ),
    Specimen(
        "timm ViT, layer scale",
        vision_transformer(init_values=0.5),
        images(4, 4),
        {"raw": 441},
        _LOGITS,
        audited=400,
        sizes=size("deit3_base_patch16_224"),
        scales=1,
    ),
    Specimen(
        "timm ViT, qk-norm",
        vision_transformer(qk_norm=True),
        images(4, 4),
        {"raw": 413},
        _LOGITS,
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
        _LOGITS,
        audited=400,
        scales=1,
    ),
    Specimen(
        "timm ResNet",
        resnet("BasicBlock", (2, 3, 3, 3)),
        images(2, 16),
        {"raw": 46, "softmax": 50},
        _LOGITS,
        audited=250,
        sizes=size("resnet18"),
        scales=0,
    ),
    Specimen(
        "timm ResNet, bottleneck",
        resnet("Bottleneck", (2, 2, 2, 2)),
        images(2, 16),
        {},  # 96 and 105, and as much as units that die on these images add
        _LOGITS,
        audited=300,
        sizes=size("resnet50"),
        scales=0,
    ),
    Specimen(
        "timm ConvNeXt",
        convnext,
        images(2, 16),
        {"raw": 194, "softmax": 200},
        _LOGITS,
        audited=500,
        sizes=size("convnext_tiny"),
        scales=5,
    ),
)
