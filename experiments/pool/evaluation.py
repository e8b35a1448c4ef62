"""What is known of a trained model without measuring its sharpness."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from .device import beside
from .task import AbstractTask


@dataclass(frozen=True)
class Evaluation:
    """What sharpness should predict, and what else could.

    Args:
        targets: ``train loss``, ``test loss``, ``loss gap``, and where they exist ``train error``, ``test error``,
            ``error gap``, ``shifted loss``, ``shifted error``. Gaps are test minus train.
        covariates: what a fair comparison holds fixed, such as ``logit norm`` and ``parameter norm``.
    """

    targets: Mapping[str, float]
    covariates: Mapping[str, float] = field(default_factory=dict)


def evaluate(task: AbstractTask, model: nn.Module, parts: Mapping[str, Iterable[Any]]) -> Evaluation:
    r"""Mean loss and rate of errors on every part of the data, their gaps, and two norms.

    The logit norm is the mean of :math:`\|z(x)\|_2` over the training part, the parameter norm that of all parameters.

    Args:
        task: what the model does.
        model: in evaluation mode.
        parts: batches by name; ``train`` and ``test`` are among them.
    """
    results = {name: _means(task, model, batches) for name, batches in parts.items()}
    targets = {f"{name} {kind}": results[name][kind] for name in parts for kind in ("loss", "error")}
    covariates = {"logit norm": results["train"]["logit norm"], "parameter norm": parameter_norm(model)}
    return Evaluation(with_gaps(targets), covariates)


def with_gaps(targets: Mapping[str, float]) -> dict[str, float]:
    """Targets, and the gaps that follow from them.

    Example:
        >>> with_gaps({"train error": 0.125, "test error": 0.25})
        {'train error': 0.125, 'test error': 0.25, 'error gap': 0.125}
    """
    gaps = {
        f"{kind} gap": targets[f"test {kind}"] - targets[f"train {kind}"]
        for kind in ("loss", "error")
        if f"train {kind}" in targets and f"test {kind}" in targets
    }
    return {**targets, **gaps}


def parameter_norm(model: nn.Module) -> float:
    """The Euclidean norm of all parameters."""
    return torch.cat([p.detach().flatten() for p in model.parameters()]).norm().item()


@torch.no_grad()
def _means(task: AbstractTask, model: nn.Module, batches: Iterable[Any]) -> dict[str, float]:
    """Means over all labels, however batches divide them."""
    totals, count = {"loss": 0.0, "error": 0.0, "logit norm": 0.0}, 0
    for batch in (beside(model, batch) for batch in batches):
        logits, labels = task.logits(model, batch), task.labels(batch)
        totals["loss"] += task.loss(model, batch).item() * labels.numel()
        totals["error"] += (logits.argmax(-1) != labels).sum().item()
        totals["logit norm"] += logits.norm(dim=-1).sum().item()
        count += labels.numel()
    return {name: total / count for name, total in totals.items()}
