"""Classes of models that people use, each with a tiny configuration: what detection is tried on."""

from dataclasses import replace

from . import adapters, convolutional, decoders, encoders, language_models, plain, vision
from .optional import EXTRAS, library
from .specimen import Arguments, RealSize, Specimen

_LIBRARIES = {
    "torch": plain.SPECIMENS,
    "transformers": encoders.SPECIMENS + language_models.SPECIMENS + decoders.SPECIMENS,
    "timm": vision.SPECIMENS + convolutional.SPECIMENS,
    "peft": adapters.SPECIMENS,
}

SPECIMENS: dict[str, Specimen] = {
    specimen.name: replace(specimen, library=library)
    for library, specimens in _LIBRARIES.items()
    for specimen in specimens
}
"""All of them, by name."""

__all__ = ["EXTRAS", "SPECIMENS", "Arguments", "RealSize", "Specimen", "library"]
