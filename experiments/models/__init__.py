"""Small, self-contained models: each has the symmetries of a family that is used at scale."""

from .decoder import Decoder, DecoderConfig, rotary
from .initial import generic_, initialise_, settle_statistics_
from .lora import LoRALinear, lora_mlp
from .simple import DiagonalNet, conv_net, mlp
from .vit import ViT, ViTConfig

__all__ = [
    "Decoder",
    "DecoderConfig",
    "DiagonalNet",
    "LoRALinear",
    "ViT",
    "ViTConfig",
    "conv_net",
    "generic_",
    "initialise_",
    "lora_mlp",
    "mlp",
    "rotary",
    "settle_statistics_",
]
