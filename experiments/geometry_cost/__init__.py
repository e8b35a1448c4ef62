"""What a geometry costs beside the gradients of a model: subjects, ascents, scaling, accuracy."""

from .accuracy import accuracy
from .ascent import ASCENTS, GRADIENTS, AscentTask, Run, about, ascents, memory
from .scaling import AXES, exponents
from .subject import SUBJECTS

__all__ = [
    "ASCENTS",
    "AXES",
    "GRADIENTS",
    "SUBJECTS",
    "AscentTask",
    "Run",
    "about",
    "accuracy",
    "ascents",
    "exponents",
    "memory",
]
