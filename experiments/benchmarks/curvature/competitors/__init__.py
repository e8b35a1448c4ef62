"""One adapter for every library that is compared, and for this project."""

from .competitor import AbstractCompetitor, Density
from .curvlinops import Curvlinops
from .hessian_eigenthings import HessianEigenthings
from .pyhessian import PyHessian
from .this_project import ThisProject

COMPETITORS: dict[str, type[AbstractCompetitor]] = {
    competitor.name: competitor for competitor in (ThisProject, Curvlinops, PyHessian, HessianEigenthings)
}
"""By name; this project first."""

__all__ = [
    "COMPETITORS",
    "AbstractCompetitor",
    "Curvlinops",
    "Density",
    "HessianEigenthings",
    "PyHessian",
    "ThisProject",
]
