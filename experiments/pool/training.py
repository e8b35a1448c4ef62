"""The work of training one model of a pool."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from ..work import AbstractJob
from .evaluation import evaluate
from .grid import Configuration, identifier
from .member import CARD, Member
from .pool import Pool
from .recipe import AbstractRecipe


@dataclass(frozen=True)
class Training(AbstractJob):
    """A model of a recipe, on its way into a pool.

    Args:
        pool: where it goes.
        recipe: how it is trained.
        configuration: by which hyperparameters.
        seed: of the run.
        device: where it is trained.
    """

    pool: Pool
    recipe: AbstractRecipe
    configuration: Configuration
    seed: int
    device: str = "cpu"

    @property
    def folder(self) -> Path:
        """Of the model."""
        return self.pool.place(identifier(self.configuration, self.seed))

    @property
    def result(self) -> Path:
        """The card, written when the weights are there."""
        return self.folder / CARD

    def document(self) -> dict[str, Any]:
        """Train, keep the weights, and evaluate what was kept."""
        begun = perf_counter()
        model = self.recipe.model(self.configuration, self.seed).to(self.device)
        # A library may draw from the global generator, dropout does: what the process trained before must not matter.
        torch.manual_seed(self.seed)
        run = self.recipe.train(model, self.configuration, self.seed)
        model.eval()
        seconds = perf_counter() - begun
        evaluation = evaluate(self.recipe, model, self.recipe.parts(self.configuration))
        member = self._member(evaluation.targets, {**evaluation.covariates, **run}, seconds)
        member.keep(model)
        return member.card

    def failed(self, reason: str) -> dict[str, Any]:
        """A card without numbers."""
        return self._member({}, {}, 0.0, reason).card

    def _member(
        self,
        targets: Mapping[str, float],
        covariates: Mapping[str, float],
        seconds: float,
        failure: str | None = None,
    ) -> Member:
        return Member(self.folder, self.configuration, self.seed, targets, covariates, seconds, failure)


def trainings(pool: Pool, recipe: AbstractRecipe, *, models: int | None = None, device: str = "cpu") -> list[Training]:
    """One for every model of the recipe's grid, or for some of them.

    Args:
        pool: where they go.
        recipe: how they are trained.
        models: how many, spread over the grid, a larger number holding a smaller one; None for all.
        device: where they are trained.
    """
    return [Training(pool, recipe, *point, device) for point in recipe.grid().spread(models)]
