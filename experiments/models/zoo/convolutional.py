"""Convolutional networks of the library timm, at the statistics of their inputs."""

from collections.abc import Callable
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
    """A block of two layers, a transition, a block of one."""
    densenet = library("timm.models.densenet")
    return cast(
        "nn.Module", densenet.DenseNet(growth_rate=2, block_config=(2, 1), num_classes=3, in_chans=2, bn_size=2)
    )


def mobilenet() -> nn.Module:
    """A separable convolution, then two inverted residuals, the second with a skip.

    Gains large enough for channels to reach both ends of ReLU6.
    """
    efficientnet, builder = library("timm.models.efficientnet"), library("timm.models._efficientnet_builder")
    blocks = builder.decode_arch_def([["ds_r1_k3_s1_c2"], ["ir_r2_k3_s2_e2_c3"]])
    model = efficientnet.EfficientNet(
        block_args=blocks,
        num_classes=3,
        in_chans=2,
        stem_size=3,
        num_features=4,
        round_chs_fn=int,
        act_layer=nn.ReLU6,
    )
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 6.0)
    return cast("nn.Module", model)


SPECIMENS = (
    Specimen(
        "timm ResNet",
        resnet("BasicBlock", (2, 3, 3, 3)),
        images(2, 16),
        {"raw": 46, "softmax": 50},
        LOGITS,
        audited=250,
        sizes=size("resnet18"),
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
        {},  # 70 and 74, and as much as units that stay on one side of these images add
        LOGITS,
        audited=500,
        sizes=size("densenet121"),
        scales=0,
    ),
    Specimen(
        "timm MobileNetV2",
        mobilenet,
        images(2, 16),
        {"raw": 71, "softmax": 76},
        LOGITS,
        audited=500,
        sizes=size("mobilenetv2_100"),
        scales=0,
    ),
)
