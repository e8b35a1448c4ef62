"""Classes of models that people use, each with a tiny configuration: what detection is tried on."""

from . import adapters, hugging_face, plain, vision
from .optional import library
from .specimen import RealSize, Specimen

SPECIMENS: dict[str, Specimen] = {
    specimen.name: specimen for module in (plain, hugging_face, vision, adapters) for specimen in module.SPECIMENS
}
"""All of them, by name."""

__all__ = ["SPECIMENS", "RealSize", "Specimen", "library"]
