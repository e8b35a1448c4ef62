"""Convolutional networks of the library timm, at the statistics of their inputs."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from torch import nn

from .optional import library
from .specimen import Specimen
from .vision import LOGITS, images, size


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


def densenet() -> nn.Module:
    """A block of two layers, a transition, a block of one.

    With a kink that is not steep: the largest of nine channels behind a ReLU is hardly ever zero, and linear then.
    """
    densenet = library("timm.models.densenet")
    model: nn.Module = densenet.DenseNet(
        growth_rate=2,
        block_config=(2, 1),
        num_classes=3,
        in_chans=2,
        bn_size=1,
        act_layer=partial(nn.LeakyReLU, negative_slope=0.4),
    )
    return model


def efficientnet() -> nn.Module:
    """A separable convolution, then two inverted residuals, the second with a skip; squeeze and excitation."""
    efficientnet, builder = library("timm.models.efficientnet"), library("timm.models._efficientnet_builder")
    model: nn.Module = efficientnet.EfficientNet(
        block_args=builder.decode_arch_def([["ds_r1_k3_s1_c2_se0.5"], ["ir_r2_k3_s2_e2_c3_se0.5"]]),
        num_classes=3,
        in_chans=2,
        stem_size=3,
        num_features=4,
        round_chs_fn=int,
        act_layer=nn.SiLU,
    )
    return model


SPECIMENS = (
    Specimen(
        "timm ResNet",
        resnet("BasicBlock", (2, 3, 3, 3)),
        images(2, 16),
        {"raw": 46, "softmax": 50},
        LOGITS,
        audited=250,
        sizes=size("resnet18", raw=4800 + (960 + 1920) + 896),  # gains, streams and hidden channels, skips
        scales=0,
    ),
    Specimen(
        "timm ResNet, bottleneck",
        resnet("Bottleneck", (2, 2, 2, 2)),
        images(2, 16),
        {},  # 96 and 105, and as much as units that die on these images add
        LOGITS,
        audited=300,
        sizes=size("resnet50"),
        scales=0,
    ),
    Specimen(
        "timm ConvNeXt",
        convnext,
        images(2, 16),
        {"raw": 194, "softmax": 200},
        LOGITS,
        audited=500,
        sizes=size("convnext_tiny"),
        scales=5,
    ),
    Specimen(
        "timm DenseNet",
        densenet,
        images(2, 16),
        {"raw": 58, "softmax": 65},
        LOGITS,
        audited=450,
        sizes=size("densenet121"),
        scales=0,
    ),
    Specimen(
        "timm EfficientNet",
        efficientnet,
        images(2, 8),
        {"raw": 71, "softmax": 76},
        LOGITS,
        audited=260,
        sizes=(*size("efficientnet_b0"), *size("mobilenetv2_100")),
        scales=0,
    ),
)
