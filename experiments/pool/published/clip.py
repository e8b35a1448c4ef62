"""The image classifiers that [Wortsman2022] fine-tuned from CLIP [Radford2021]."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from torch import Tensor, nn
from torch.nn import functional as F

from ...models.zoo import library

#: Channels of a head, in every CLIP model.
HEAD = 64

#: Names of OpenAI's image tower, and those of transformers.
_NAMES = {
    "class_embedding": "embeddings.class_embedding",
    "conv1.weight": "embeddings.patch_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_pre.": "pre_layrnorm.",
    "ln_post.": "post_layernorm.",
    "transformer.resblocks.": "encoder.layers.",
    ".attn.out_proj.": ".self_attn.out_proj.",
    ".ln_1.": ".layer_norm1.",
    ".ln_2.": ".layer_norm2.",
    ".mlp.c_fc.": ".mlp.fc1.",
    ".mlp.c_proj.": ".mlp.fc2.",
}

#: What is left of the text tower in these checkpoints, and takes no part in the function.
_TEXT = (
    "model.positional_embedding",
    "model.text_projection",
    "model.logit_scale",
    "model.token_embedding.",
    "model.ln_final.",
)


@dataclass(frozen=True)
class ClipSizes:
    """Sizes of a :class:`ClipClassifier`; the default is ViT-B/32 on ImageNet, 88 million parameters."""

    image: int = 224
    patch: int = 32
    width: int = 768
    depth: int = 12
    projection: int = 512
    classes: int = 1000

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> "ClipSizes":
        """The sizes that the weights of a checkpoint have, in OpenAI's names.

        Raises:
            KeyError: a tensor that every such checkpoint has is absent.
        """
        width, _, patch, _ = state["model.visual.conv1.weight"].shape
        classes, projection = state["classification_head.weight"].shape
        return cls(
            image=patch * isqrt(len(state["model.visual.positional_embedding"]) - 1),
            patch=patch,
            width=width,
            depth=sum(name.startswith("model.visual.") and name.endswith(".attn.in_proj_weight") for name in state),
            projection=projection,
            classes=classes,
        )


class ClipClassifier(nn.Module):
    r"""A linear classifier on the unit vector of CLIP's image tower, :math:`W\, z(x) / \|z(x)\| + b`.

    Args:
        sizes: of its layers.
    """

    def __init__(self, sizes: ClipSizes | None = None) -> None:
        super().__init__()
        s = sizes or ClipSizes()
        transformers = library("transformers")
        config = transformers.CLIPVisionConfig(
            hidden_size=s.width,
            intermediate_size=4 * s.width,
            num_hidden_layers=s.depth,
            num_attention_heads=s.width // HEAD,
            image_size=s.image,
            patch_size=s.patch,
            projection_dim=s.projection,
            hidden_act="quick_gelu",
        )
        self.tower = transformers.CLIPVisionModelWithProjection(config)
        self.head = nn.Linear(s.projection, s.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, ``(b, classes)``, of images ``(b, 3, side, side)``."""
        return self.head(F.normalize(self.tower(pixel_values=images).image_embeds, dim=-1))


def clip_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a checkpoint in the names of :class:`ClipClassifier`; unknown names stay as they are.

    The three roles of attention lie one above the other in OpenAI's ``in_proj``, and apart here; OpenAI multiplies by
    the projection from the right.
    """
    translated: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.startswith(_TEXT):
            continue
        place = "tower.vision_model." + name.removeprefix("model.visual.")
        if name == "model.visual.proj":
            translated["tower.visual_projection.weight"] = value.mT.contiguous()
        elif ".attn.in_proj_" in name:
            layer, kind = _renamed(place).split(".attn.in_proj_")
            for role, part in zip(("q", "k", "v"), value.chunk(3), strict=True):
                translated[f"{layer}.self_attn.{role}_proj.{kind}"] = part
        elif name.startswith("model.visual."):
            translated[_renamed(place)] = value
        else:
            translated[name.replace("classification_head.", "head.")] = value
    return translated


def _renamed(name: str) -> str:
    for theirs, ours in _NAMES.items():
        name = name.replace(theirs, ours)
    return name
