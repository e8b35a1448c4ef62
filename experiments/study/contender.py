"""The optimizers that a training study compares, each with one number to choose."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from quotient import AbstractGeometry, Adaptive, Euclidean, RiemannianSAM

from .task import AbstractTask

WEIGHT_DECAY = 0.01
Choice = dict[str, float]
Make = Callable[[AbstractTask, nn.Module, Choice], torch.optim.Optimizer]


@dataclass(frozen=True)
class Contender:
    """An optimizer.

    Args:
        name: of it.
        tuned: the option that is chosen on validation data: ``"lr"``, ``"radius"`` or ``"riemannian lr"``.
        make: the optimizer, from the options chosen so far.
        radii: to choose from.
        passes: gradients in one step.
        after: whose choices it takes over.
    """

    name: str
    tuned: str
    make: Make
    radii: tuple[float, ...] = ()
    passes: int = 2
    after: str = "AdamW"

    def grid(self, task: AbstractTask) -> tuple[float, ...]:
        """What is tried; every contender has as many."""
        return {"lr": task.rates, "riemannian lr": task.riemannian_rates, "radius": self.radii}[self.tuned]


def adamw(task: AbstractTask, model: nn.Module, choice: Choice) -> torch.optim.Optimizer:
    """No perturbation."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(trained, lr=choice["lr"], weight_decay=WEIGHT_DECAY)


def sam(task: AbstractTask, model: nn.Module, choice: Choice) -> torch.optim.Optimizer:
    """Perturbed in a Euclidean ball."""
    return _two_pass(Euclidean(), model, choice)


def asam(task: AbstractTask, model: nn.Module, choice: Choice) -> torch.optim.Optimizer:
    """Perturbed in the elementwise adaptive ball."""
    return _two_pass(Adaptive(eta=0.01), model, choice)


def quotient_sam(task: AbstractTask, model: nn.Module, choice: Choice) -> torch.optim.Optimizer:
    """Perturbed along geodesics of the quotient, a step by AdamW."""
    return _two_pass(task.geometry("elementwise"), model, choice)


def riemannian(task: AbstractTask, model: nn.Module, choice: Choice) -> torch.optim.Optimizer:
    """The same, with the step taken on the quotient too: two starts on one orbit train alike.

    Outside the pairs the metric is Euclidean: a relative one would hold biases that start at zero.
    """
    return RiemannianSAM(
        model.named_parameters(),
        task.geometry("euclidean"),
        torch.optim.AdamW,
        radius=choice["radius"],
        mode="riemannian",
        lr=choice["riemannian lr"],
        weight_decay=0.0,
    )


def _two_pass(geometry: AbstractGeometry, model: nn.Module, choice: Choice) -> torch.optim.Optimizer:
    return RiemannianSAM(
        model.named_parameters(),
        geometry,
        torch.optim.AdamW,
        radius=choice["radius"],
        lr=choice["lr"],
        weight_decay=WEIGHT_DECAY,
    )


CONTENDERS = (
    Contender("AdamW", "lr", adamw, passes=1),
    Contender("SAM", "radius", sam, (0.01, 0.03, 0.1, 0.3, 1.0)),
    Contender("ASAM", "radius", asam, (0.03, 0.1, 0.3, 1.0, 3.0)),
    Contender("quotient SAM", "radius", quotient_sam, (0.03, 0.1, 0.3, 1.0, 3.0)),
    Contender("quotient SAM, riemannian", "riemannian lr", riemannian, after="quotient SAM"),
)
