"""How the pools of this project are made."""

from ..brought import BROUGHT
from ..pool import Pool
from ..recipe import AbstractRecipe
from ..task import AbstractTask
from .finetune import FineTune
from .text import Text
from .vision import Vision

#: By the name of the task.
RECIPES: dict[str, type[AbstractRecipe]] = {recipe.name: recipe for recipe in (Vision, Text, FineTune)}

__all__ = ["RECIPES", "FineTune", "Text", "Vision", "task_of"]


def task_of(pool: Pool) -> AbstractTask:
    """What the models of a pool do, made again from its description."""
    description = pool.description
    tasks: dict[str, type[AbstractTask]] = {**RECIPES, **BROUGHT}
    return tasks[description["task"]].remade(description["options"])
