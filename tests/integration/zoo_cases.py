"""Specimens of the zoo as models, and which of them stand for a kind of architecture."""

import warnings

import pytest
import torch
from torch import nn

from experiments.models.zoo import SPECIMENS, Specimen, library

#: One class for each kind of architecture: what is dear is done for these by default, and slow for the others.
KINDS = {
    "torch encoder, norm first, final norm",
    "BERT",
    "T5 1.1, untied",
    "Qwen3",
    "GPT-NeoX",
    "DeepSeek-V2",
    "timm ViT",
    "timm ResNet",
    "LoRA on Llama",
    "DoRA on Llama",
}
assert SPECIMENS.keys() >= KINDS


def quick(name: str, kinds: set[str] = KINDS) -> object:
    """The name as a parameter of a test, slow unless it stands for a kind."""
    return pytest.param(name, marks=() if name in kinds else pytest.mark.slow)


def generic(name: str, draws: torch.Generator) -> tuple[Specimen, nn.Module]:
    """A specimen and its model at generic parameters; skipped where its library is missing."""
    specimen = SPECIMENS[name]
    try:
        library(specimen.library)
    except ImportError as missing:
        pytest.skip(str(missing))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one library about another
        return specimen, specimen.generic(draws)
