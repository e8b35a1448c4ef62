"""Pools of models: made or brought, measured, judged."""

from .grid import Configuration, Grid, identifier
from .member import Member
from .pool import Pool
from .task import AbstractRecipe, AbstractTask, Evaluation

__all__ = [
    "AbstractRecipe",
    "AbstractTask",
    "Configuration",
    "Evaluation",
    "Grid",
    "Member",
    "Pool",
    "identifier",
]
