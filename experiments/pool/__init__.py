"""Pools of models: made or brought, measured, judged."""

from .evaluation import Evaluation, evaluate
from .grid import Configuration, Grid, identifier
from .member import Member
from .pool import Pool
from .recipe import AbstractRecipe
from .task import AbstractTask
from .training import Training, trainings

__all__ = [
    "AbstractRecipe",
    "AbstractTask",
    "Configuration",
    "Evaluation",
    "Grid",
    "Member",
    "Pool",
    "Training",
    "evaluate",
    "identifier",
    "trainings",
]
