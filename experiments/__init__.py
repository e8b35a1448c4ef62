"""One script per claim, the models and data they run on, and the command line."""

from .models import (
    Decoder,
    DecoderConfig,
    DiagonalNet,
    LoRALinear,
    ViT,
    ViTConfig,
    conv_net,
    generic_,
    initialise_,
    lora_mlp,
    mlp,
)

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
]
