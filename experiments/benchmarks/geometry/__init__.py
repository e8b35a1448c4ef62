"""What a geometry costs beside what its measures evaluate: subjects, measures, scaling, accuracy."""

from .accuracy import accuracy
from .ascent import GRADIENTS, ascents, memory
from .average import averages
from .product import products
from .scaling import AXES, exponents
from .subject import SUBJECTS
from .tables import ACCURACY, FIGURE, SCALING, sections
from .task import GEOMETRIES, Task, about

__all__ = [
    "ACCURACY",
    "AXES",
    "FIGURE",
    "GEOMETRIES",
    "GRADIENTS",
    "SCALING",
    "SUBJECTS",
    "Task",
    "about",
    "accuracy",
    "ascents",
    "averages",
    "exponents",
    "memory",
    "products",
    "sections",
]
