"""One plain training loop, for optimizers that call a closure once (SGD, Adam) or more often (SAM)."""

import math
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import torch
from torch import nn
from tqdm import tqdm

from .data import Batch, Split, cross_entropy


@dataclass(frozen=True)
class History:
    """What a training run did.

    Args:
        losses: the mean training loss of every epoch.
        gradients: how many gradients were evaluated, counted where they are.
        seconds: wall-clock time.
    """

    losses: tuple[float, ...]
    gradients: int
    seconds: float


def train(
    model: nn.Module,
    split: Split,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    batch: int,
    generator: torch.Generator,
    label: str = "training",
) -> History:
    """Minimise the cross-entropy in place, with a learning rate that falls to zero along a half cosine.

    Args:
        model: a classifier.
        split: the training images.
        optimizer: anything with ``step(closure)``; the closure clears the gradients and evaluates them.
        epochs: passes over the images.
        batch: images in one gradient.
        generator: shuffles.
        label: of the progress bar.

    Raises:
        ValueError: no epochs.
        FloatingPointError: a loss that is not finite.
    """
    if epochs < 1:
        raise ValueError(f"training needs at least one epoch, got {epochs}")
    peaks = [group["lr"] for group in optimizer.param_groups]
    losses: list[float] = []
    gradients, start = 0, perf_counter()

    def closure(data: Batch) -> float:
        nonlocal gradients
        gradients += 1
        optimizer.zero_grad()
        loss = cross_entropy(model, data)
        loss.backward()
        return loss.item()

    model.train()
    with tqdm(range(epochs), desc=label, unit="epoch") as progress:
        for epoch in progress:
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * 0.5 * (1.0 + math.cos(math.pi * epoch / epochs))
            total = 0.0
            for data in split.batches(batch, generator):
                total += optimizer.step(partial(closure, data)) * len(data[1])
            losses.append(total / len(split))
            if not math.isfinite(losses[-1]):
                raise FloatingPointError(f"the loss is {losses[-1]} in epoch {epoch}; lower the learning rate")
            progress.set_postfix(loss=f"{losses[-1]:.4f}")
    model.eval()
    return History(tuple(losses), gradients, perf_counter() - start)
